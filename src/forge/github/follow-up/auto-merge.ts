import { z } from 'zod'
import type { LookedAt } from '../../../db/pull-requests/seen-pull-requests.ts'
import { Fault } from '../../../faults/fault.ts'
import type { MergeWhenReadyAnswer, OfPullRequest, ToMerge } from '../../../ports/pull-request-facts.ts'
import { ACCOUNT, accountOf, isSameAccount } from '../accounts.ts'
import { githubRepositoryOf } from '../github-repository.ts'
import { PullRequestNode } from '../look-answer.ts'
import { LOOK_FIELDS, markOf } from '../look-mark.ts'
import { mergeWays } from '../merge-ways.ts'
import { type GitHubForgeParts, requirePullRequest } from '../pulls.ts'
import { retryGitHub } from '../retry-github.ts'
import { askGraphQL, callGraphQL, refusalIn } from './ask-graphql.ts'

/** @param more what else is asked for of the pull request */
const queryOf = (more: string) => `query AutoMerge($id: ID!) {
  viewer { ${ACCOUNT} }
  node(id: $id) {
    ... on PullRequest {
      state isDraft headRefOid baseRefName mergeStateStatus
      autoMergeRequest { enabledBy { ${ACCOUNT} } }
      isInMergeQueue
      mergeQueueEntry { enqueuer { ${ACCOUNT} } }
      repository { autoMergeAllowed }${more}
    }
  }
}`
const Account = accountOf(z.string())
type Account = z.infer<typeof Account>
const Standing = z.object({
  state: z.string(),
  isDraft: z.boolean(),
  headRefOid: z.string(),
  baseRefName: z.string(),
  mergeStateStatus: z.string(),
  autoMergeRequest: z.object({ enabledBy: Account.nullable() }).nullable(),
  isInMergeQueue: z.boolean(),
  mergeQueueEntry: z.object({ enqueuer: Account }).nullable(),
  repository: z.object({ autoMergeAllowed: z.boolean() }),
})
type Standing = z.infer<typeof Standing>

/** `asSeen`: with all that a look asks for. */
const QUERIES = { alone: queryOf(''), asSeen: queryOf(LOOK_FIELDS) }
const Answered = z.object({ viewer: Account, node: Standing.loose().nullable() })

const ENABLE = `mutation EnableAutoMerge($id: ID!, $head: GitObjectID!, $method: PullRequestMergeMethod) {
  enablePullRequestAutoMerge(input: { pullRequestId: $id, expectedHeadOid: $head, mergeMethod: $method }) {
    pullRequest { id }
  }
}`
const DISABLE = `mutation DisableAutoMerge($id: ID!) {
  disablePullRequestAutoMerge(input: { pullRequestId: $id }) { pullRequest { id } }
}`
const DEQUEUE = `mutation DequeuePullRequest($id: ID!) {
  dequeuePullRequest(input: { id: $id }) { mergeQueueEntry { id } }
}`
const Dequeued = z.object({ dequeuePullRequest: z.object({}) })
const Disabled = z.object({ disablePullRequestAutoMerge: z.object({ pullRequest: z.object({ id: z.string() }) }) })

/** What GitHub does not wait for: its auto-merge is refused on a pull request that can be merged at once. */
const READY = new Set(['CLEAN', 'HAS_HOOKS'])
/** GitHub would merge it at once, with a check that it does not require red or running. */
const UNSETTLED: MergeWhenReadyAnswer = {
  outcome: 'unsettled',
  why: 'a check that GitHub does not require has failed or has not ended',
}

/** GitHub works it out anew after its base or its branch has moved. */
const UNKNOWN: MergeWhenReadyAnswer = {
  outcome: 'unsettled',
  why: 'GitHub has not worked out yet whether it can be merged',
}

/**
 * Has GitHub merge exactly this commit once everything it requires is there.
 *
 * @see https://docs.github.com/en/graphql/reference/mutations#enablepullrequestautomerge
 */
export async function mergeWhenReady(
  parts: GitHubForgeParts,
  { of, headSha, mark }: ToMerge & { of: OfPullRequest },
  signal: AbortSignal,
): Promise<MergeWhenReadyAnswer> {
  const row = await requirePullRequest(parts, of.project, of.number)
  return await retryGitHub(parts, signal, async () => {
    const { node, told } = await standing(parts, { of, query: QUERIES.asSeen }, signal)
    assertStands(node, { of, headSha, base: row.base })
    if (node.autoMergeRequest !== null || node.isInMergeQueue) return { outcome: 'waiting' }
    if (mark !== null) assertAsSeen(told, { of, row, mark, now: parts.clock.now() })
    if (node.mergeStateStatus === 'UNSTABLE') return UNSETTLED
    if (node.mergeStateStatus === 'UNKNOWN') return UNKNOWN
    const { ways, isQueued } = await mergeWays(parts.gh, githubRepositoryOf(of.project), row.base)
    if (READY.has(node.mergeStateStatus) && !isQueued) return { outcome: 'ready' }
    if (node.mergeStateStatus === 'DIRTY') return unavailable(`its branch conflicts with ${row.base}`)
    if (!node.repository.autoMergeAllowed) return unavailable('the settings of the repository do not allow auto-merge')
    const [way] = ways
    if (way === undefined) return unavailable(`the rules of ${row.base} leave no way to merge`)
    const variables = { id: of.nodeId, head: headSha, method: way.toUpperCase() }
    const answer = await callGraphQL(parts, { of, changes: true, signal }, { query: ENABLE, variables })
    const refused = refusalIn(answer)
    if (refused === null) return { outcome: 'waiting' }
    if (/unstable status/i.test(refused.message)) return UNSETTLED
    return /clean status/i.test(refused.message) ? { outcome: 'ready' } : unavailable(`GitHub says: ${refused.message}`)
  })
}

function unavailable(why: string): MergeWhenReadyAnswer {
  return { outcome: 'unavailable', why: `GitHub does not merge it by itself: ${why}.` }
}

/**
 * Takes back what was asked for, also out of a merge queue, and looks whether it is. What a person with another account asked for
 * stays.
 *
 * @returns the login of such a person; null: GitHub does not merge it by itself any more
 */
export async function withdrawMerge(
  parts: GitHubForgeParts,
  of: OfPullRequest,
  signal: AbortSignal,
): Promise<string | null> {
  return await retryGitHub(parts, signal, async () => {
    const before = await requestsOf(parts, of, signal)
    const asking = { of, changes: true, signal }
    const variables = { id: of.nodeId }
    if (before.isQueued) await askGraphQL(parts, asking, { query: DEQUEUE, variables }, Dequeued)
    if (before.isAsked) await askGraphQL(parts, asking, { query: DISABLE, variables }, Disabled)
    if (!before.isQueued && !before.isAsked) return before.left
    const after = await requestsOf(parts, of, signal)
    if (!after.isQueued && !after.isAsked) return after.left
    const message = `GitHub was told not to merge pull request #${of.number} by itself, and says that it still does. It is told again.`
    throw new Fault('github_unreachable', message, { number: of.number })
  })
}

/** What has GitHub merge it by itself, and is to be taken back; `left`: the login of the person whose own request stays. */
type Requests = { isQueued: boolean; isAsked: boolean; left: string | null }

/** Only what is known to be a person's own stays: what GitHub's own account has queued was asked for by auto-merge. */
async function requestsOf(parts: GitHubForgeParts, of: OfPullRequest, signal: AbortSignal): Promise<Requests> {
  const { node, viewer } = await standing(parts, { of, query: QUERIES.alone }, signal)
  if (node.state === 'MERGED') {
    const message = `Pull request #${of.number} is merged already: that GitHub merges it by itself cannot be taken back.`
    throw new Fault('work_order_conflict', message, { number: of.number })
  }
  const { isInMergeQueue, mergeQueueEntry: entry, autoMergeRequest: asked } = node
  const otherOf = (by: Account | null) =>
    by?.isPerson === true && !isSameAccount(by.login, viewer.login) ? by.login : null
  const queuedBy = isInMergeQueue && entry !== null ? otherOf(entry.enqueuer) : null
  const askedBy = asked === null ? null : otherOf(asked.enabledBy)
  return {
    isQueued: isInMergeQueue && queuedBy === null,
    isAsked: asked !== null && askedBy === null,
    left: queuedBy === null ? askedBy : queuedBy,
  }
}

async function standing(
  parts: GitHubForgeParts,
  { of, query }: { of: OfPullRequest; query: string },
  signal: AbortSignal,
): Promise<{ node: Standing; viewer: Account; told: unknown }> {
  const body = { query, variables: { id: of.nodeId } }
  const { node, viewer } = await askGraphQL(parts, { of, changes: false, signal }, body, Answered)
  if (node !== null) return { node, viewer, told: node }
  const message = `GitHub has no pull request #${of.number} any more, or the token may not see it.`
  throw new Fault('github_not_found', message, { number: of.number })
}

/** Asserts that it still is what the rules have judged: GitHub tells what it told the look whose facts they went by. */
function assertAsSeen(
  told: unknown,
  {
    of: { number },
    row,
    mark,
    now,
  }: { of: OfPullRequest; row: Pick<LookedAt, 'head_sha' | 'base'>; mark: string; now: Date },
): void {
  const node = PullRequestNode.safeParse(told)
  // What was read in the second of a change has to be read once more.
  if (node.success && markOf(row, { node: node.data, isRecent: false, now }) === mark) return
  const why = 'something has changed on GitHub since its reviews and checks were read'
  throw new Fault(
    'work_order_conflict',
    `Pull request #${number} is not merged now: ${why}. The next look reads them.`,
    {
      number,
    },
  )
}

type Wanted = { of: OfPullRequest; headSha: string; base: string }

/** Asserts that it is what the rules have judged. */
function assertStands(node: Standing, wanted: Wanted): void {
  const why = whyNot(node, wanted)
  if (why === null) return
  const { number } = wanted.of
  throw new Fault('work_order_conflict', `Pull request #${number} is not merged by itself: ${why}.`, { number })
}

function whyNot(
  { state, isDraft, headRefOid: at, baseRefName: into }: Standing,
  { headSha, base }: Wanted,
): string | null {
  if (state !== 'OPEN') return `it is ${state.toLowerCase()} already`
  if (at !== headSha)
    return `its branch stands at ${at.slice(0, 12)}, not at ${headSha.slice(0, 12)}, which was verified`
  if (into !== base) return `its base was changed from ${base} to ${into}`
  return isDraft ? 'it is a draft' : null
}

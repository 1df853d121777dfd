import { type LookedAt, pullRequestsToLookAt } from '../../../db/pull-requests/seen-pull-requests.ts'
import { Fault } from '../../../faults/fault.ts'
import type { OfPullRequest, PullRequestFacts, Unread } from '../../../ports/pull-request-facts.ts'
import { beforeBaseMerges, branchFacts } from '../../branch-facts.ts'
import { askApi, isTooLong } from '../github-api.ts'
import { type GitHubRepository, githubRepositoryOf } from '../github-repository.ts'
import type { GitHubForgeParts } from '../pulls.ts'
import { retryGitHub } from '../retry-github.ts'
import { absentChecks, checkFacts } from './check-facts.ts'
import { conversationFacts } from './conversation-facts.ts'
import { FactsAnswer, FactsNode } from './facts-node.ts'
import { factsQuery, type Sizes, SMALL, USUAL } from './facts-query.ts'
import { type Allowance, hiddenIn, type Reader, takeOne } from './read-on.ts'
import { type OfBases, wholeChecks, wholeConversation } from './whole-facts.ts'
import type { Writers } from './writers.ts'

/** What GitHub resolves at once of this size. */
const MOST_AT_ONCE = 10

/** `large`: node ids of those whose usual answer is longer than Moose reads. */
export type FactsParts = { forge: GitHubForgeParts; writers: Writers; allowance: Allowance; large: Set<string> }

type Named = { of: OfPullRequest; nodeId: string }
type Batch = {
  host: string
  some: readonly Named[]
  sizes: Sizes
  signal: AbortSignal
  unread: Unread
  /** The host is asked no further. */
  fail: (fault: Fault) => void
  ofBases: OfBases
}

/**
 * One request for up to ten pull requests, one for each account that is met for the first time in a while, and further ones only
 * where a list has more than is asked for at once.
 */
export async function factsOfPulls(
  parts: FactsParts,
  pulls: readonly OfPullRequest[],
  signal: AbortSignal,
  told: Unread = () => undefined,
): Promise<PullRequestFacts[]> {
  const named = pulls.flatMap((of) => (of.nodeId === null ? [] : [{ of, nodeId: of.nodeId }]))
  const facts: PullRequestFacts[] = []
  for (const [host, those] of Map.groupBy(named, ({ of }) => githubRepositoryOf(of.project).host)) {
    let failed: Fault | null = null
    const fail = (fault: Fault) => {
      failed = fault
    }
    const unread: Unread = (of, fault) => {
      if (isOfHost(fault)) fail(fault)
      const which = { project: of.project.name, number: of.number, reason: fault.message }
      parts.forge.log.warn(which, 'what GitHub told of a pull request is left out')
      told(of, fault)
    }
    const common = { host, signal, unread, fail, ofBases: new Map() }
    for (const batch of inBatches(those, parts.large)) {
      // A host that fails is asked no further.
      if (failed === null) facts.push(...(await factsOfBatch(parts, { ...common, ...batch })))
      else for (const { of } of batch.some) unread(of, failed)
    }
  }
  return facts
}

/** Each of those whose usual answer is too long is asked for alone. */
function inBatches(named: readonly Named[], large: ReadonlySet<string>): Pick<Batch, 'some' | 'sizes'>[] {
  const usual = named.filter(({ nodeId }) => !large.has(nodeId))
  const alone = named.filter(({ nodeId }) => large.has(nodeId))
  const count = Math.ceil(usual.length / MOST_AT_ONCE)
  const batches = Array.from({ length: count }, (_, index) =>
    usual.slice(index * MOST_AT_ONCE, (index + 1) * MOST_AT_ONCE),
  )
  return [...batches.map((some) => ({ some, sizes: USUAL })), ...alone.map((one) => ({ some: [one], sizes: SMALL }))]
}

/** An answer that is too long, or that GitHub does not give, is asked for again in halves, down to one pull request. */
async function factsOfBatch(parts: FactsParts, batch: Batch, isHalf = false): Promise<PullRequestFacts[]> {
  const { some, sizes, unread } = batch
  const answer = await answerTo(parts, batch, isHalf)
  if (!(answer instanceof Fault)) return await factsOfAnswer(parts, batch, answer)
  const isDown = !isHalf && (await isOfAll(parts, batch, answer))
  if (isDown) batch.fail(answer)
  if (!isDown && some.length > 1 && isOfOne(answer)) {
    const half = Math.ceil(some.length / 2)
    const first = await factsOfBatch(parts, { ...batch, some: some.slice(0, half) }, true)
    return [...first, ...(await factsOfBatch(parts, { ...batch, some: some.slice(half) }, true))]
  }
  const [first] = some
  if (isTooLong(answer) && sizes === USUAL && first !== undefined) {
    if (parts.large.size >= MOST_LARGE) parts.large.clear()
    parts.large.add(first.nodeId)
    return await factsOfBatch(parts, { ...batch, sizes: SMALL }, true)
  }
  for (const { of } of some) unread(of, answer)
  return []
}

async function answerTo(
  parts: FactsParts,
  { host, some, sizes, signal }: Pick<Batch, 'host' | 'some' | 'sizes' | 'signal'>,
  isOnce: boolean,
): Promise<FactsAnswer | Fault> {
  const ids = some.map(({ nodeId }) => nodeId)
  const ask = () => askFacts(parts, { host, body: factsQuery(ids, sizes), signal })
  return await (isOnce ? ask() : retryGitHub(parts.forge, signal, ask)).catch((error: unknown) => {
    if (signal.aborted || !(error instanceof Fault)) throw error
    return error
  })
}

/** Whether GitHub answers none: two of them, each asked for alone, fail as all together do. Chance picks them, as two may be too much for it. */
async function isOfAll(parts: FactsParts, batch: Batch, fault: Fault): Promise<boolean> {
  const { random } = parts.forge
  const count = batch.some.length
  if (count === 1 || !isOfServer(fault)) return false
  const at = Math.floor(random() * count)
  for (const index of [at, (at + 1 + Math.floor(random() * (count - 1))) % count]) {
    const answer = await answerTo(parts, { ...batch, some: batch.some.slice(index, index + 1) }, true)
    if (!(answer instanceof Fault) || answer.details['status'] !== fault.details['status']) return false
  }
  return true
}

const MOST_LARGE = 1_000
const LEAST_OF_SERVER = 500

/** Whether one pull request may be the reason: an answer that is too long, or takes GitHub too long. */
function isOfOne(fault: Fault): boolean {
  return fault.code === 'github_failed' || isOfServer(fault)
}

function isOfServer({ details: { status } }: Fault): boolean {
  return typeof status === 'number' && status >= LEAST_OF_SERVER
}

const OF_HOST: ReadonlySet<string> = new Set(['github_rate_limited', 'github_unauthorized', 'github_unreachable'])

/** Whether the host, the token or its limits are the reason. */
function isOfHost(fault: Fault): boolean {
  return OF_HOST.has(fault.code) && !isOfOne(fault)
}

type Asking = { host: string; body: ReturnType<typeof factsQuery>; signal: AbortSignal }

function askFacts({ forge }: FactsParts, { host, body, signal }: Asking): Promise<FactsAnswer> {
  return askApi(forge.gh, { host, method: 'POST', path: 'graphql', body, signal }, FactsAnswer)
}

async function factsOfAnswer(parts: FactsParts, batch: Batch, answer: FactsAnswer): Promise<PullRequestFacts[]> {
  const { host, some, signal, unread, ofBases } = batch
  const rows = await pullRequestsToLookAt(
    parts.forge.db,
    some.map(({ of }) => of),
  )
  const facts: PullRequestFacts[] = []
  for (const [index, { of }] of some.entries()) {
    const hidden = hiddenIn(answer, index)
    const [node, row = null] = [nodeOf(host, of, answer.data[`p${index}`], hidden), rows[index]]
    if (node instanceof Fault) unread(of, node)
    else if (row !== null) {
      const found = await factsOfOne(parts, { host, of, row, node, hidden, ofBases, signal }).catch(
        (error: unknown) => {
          if (signal.aborted || !(error instanceof Fault)) throw error
          unread(of, error)
          return null
        },
      )
      if (found !== null) facts.push(found)
    }
  }
  return facts
}

/** What is told beside the rest of a pull request, and is not known by itself where it is hidden. */
const TOLD_BESIDE: ReadonlySet<unknown> = new Set([
  undefined,
  'statusCheckRollup',
  'reviews',
  'reviewThreads',
  'comments',
  'reviewDecision',
])

/** A Fault: it cannot be seen, what came cannot be read, or is about another one. */
function nodeOf(
  host: string,
  { number, nodeId }: OfPullRequest,
  node: unknown,
  hidden: readonly (string | number)[][],
): FactsNode | Fault {
  const seen = FactsNode.safeParse(node)
  const isPartly = hidden.some(([field, ...within]) => !TOLD_BESIDE.has(field) && !isOfChecksOfBase(field, within))
  const isIt = seen.success && seen.data.id === nodeId && seen.data.number === number
  if (isIt && !isPartly) return seen.data
  const what = whatOf(node, { isPartly, isRead: seen.success })
  const message = `GitHub (${host}) was asked about pull request #${number} and ${what}. Look at it on GitHub.`
  return new Fault('github_failed', message, { host, number }, seen.error)
}

function whatOf(node: unknown, { isPartly, isRead }: { isPartly: boolean; isRead: boolean }): string {
  if (node === null || node === undefined) return 'shows nothing of it'
  if (isPartly) return 'did not tell all of it'
  return isRead ? 'told of another one instead' : 'answered in a form Moose does not know'
}

/** A check is judged without those of its base. */
function isOfChecksOfBase(field: string | number | undefined, within: readonly (string | number)[]): boolean {
  return field === 'baseRef' && within.includes('statusCheckRollup')
}

type Seen = {
  host: string
  of: OfPullRequest
  row: LookedAt
  node: FactsNode
  hidden: readonly (string | number)[][]
  ofBases: OfBases
  signal: AbortSignal
}

/**
 * Null: its branch or base has moved on meanwhile, which the next look shows.
 *
 * @throws {Fault} `github_*`, `repository_unreachable`
 */
async function factsOfOne(parts: FactsParts, seen: Seen): Promise<PullRequestFacts | null> {
  const { of, row, node, signal } = seen
  const { project, workOrderId } = of
  const headSha = node.headRefOid
  // Of another base than the order's nothing is judged by git, and its commits are not fetched.
  const baseSha = node.baseRefName === row.base ? (node.baseRef?.target.oid ?? null) : null
  const stands = { workOrderId, branch: row.branch, base: row.base, headSha, baseSha }
  const source = { project, mirror: parts.forge.mirrors.of(project), signal }
  const byGit = await branchFacts(source, stands)
  if (byGit === null) return null
  const told = await toldOfOne(parts, seen)
  const isOfOther = told.reviews.some(
    ({ state, may_write, head_sha }) => state === 'approved' && may_write && head_sha !== headSha,
  )
  return {
    number: row.number,
    state: STATES[node.state],
    branch: row.branch,
    base: node.baseRefName,
    head_sha: headSha,
    known_head_sha: row.head_sha,
    base_sha: baseSha,
    ...byGit,
    review_decision: node.reviewDecision,
    ...told,
    before_base_merges:
      isOfOther && baseSha !== null ? await beforeBaseMerges(source.mirror, { base: baseSha, head: headSha }) : [],
    auto_merge: autoMergeIn(node),
  }
}

type Told = Pick<PullRequestFacts, 'checks' | 'absent_checks' | 'reviews' | 'threads' | 'comments' | 'knows' | 'unread'>

/** What was said, and how the checks stand: each is whole, or not known. @throws {Fault} `github_*` */
async function toldOfOne(parts: FactsParts, { host, of, node, hidden, ofBases, signal }: Seen): Promise<Told> {
  const repository: GitHubRepository = githubRepositoryOf(of.project)
  const reader: Reader = {
    ask: (body) => retryGitHub(parts.forge, signal, () => askFacts(parts, { host, body, signal })),
    allowance: parts.allowance,
    id: node.id,
  }
  const checks = await wholeChecks(reader, node, { hidden, ofBases })
  const found = await wholeConversation(reader, node, hidden)
  const mayWrite = parts.writers.of(repository, signal)
  const said = 'value' in found ? await conversationFacts(mayWrite, () => takeOne(reader), found.value) : found
  const conversation = 'value' in said ? said.value : { reviews: [], threads: [], comments: [] }
  const why = [
    ...('unread' in said ? [`what was said of it is not known: ${said.unread}`] : []),
    ...('unread' in checks ? [`its checks are not known: ${checks.unread}`] : []),
  ]
  return {
    checks: 'value' in checks ? checkFacts(repository, node.headRefOid, checks.value) : [],
    absent_checks: 'value' in checks ? absentChecks(checks.value) : [],
    ...conversation,
    knows: { checks: 'value' in checks, reviews: 'value' in said },
    unread: why.length === 0 ? null : why.join('; '),
  }
}

const STATES = { OPEN: 'open', CLOSED: 'closed', MERGED: 'merged' } as const

/** GitHub ends the request when it puts the pull request into a merge queue. */
function autoMergeIn({ autoMergeRequest: asked, isInMergeQueue }: FactsNode): PullRequestFacts['auto_merge'] {
  if (asked === null || asked === undefined) return isInMergeQueue === true ? { by: null } : null
  return { by: asked.enabledBy === null ? null : asked.enabledBy.login }
}

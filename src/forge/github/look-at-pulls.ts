import { type LookedAt, pullRequestsToLookAt } from '../../db/pull-requests/seen-pull-requests.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import type {
  EndedBy,
  LookResult,
  LostPullRequest,
  PullRequest,
  Sighting,
  WatchedPullRequest,
} from '../../ports/pull-request.ts'
import { ACCOUNT, isSameAccount } from './accounts.ts'
import { goneText, unprovenText } from './close.ts'
import { askApiAt } from './github-api.ts'
import { githubRepositoryOf } from './github-repository.ts'
import { Answer, isReviewHidden, nodeOf, type PullRequestNode } from './look-answer.ts'
import { isRecent, LOOK_FIELDS, markOf } from './look-mark.ts'
import { deleteMergedBranch, holdsOther, provenMerge } from './proven-merge.ts'
import { type GitHubForgeParts, toPullRequest } from './pulls.ts'
import { partsIn } from './seen-parts.ts'

/** GitHub resolves up to 100 ids at once; half of that keeps a query far from its limits. */
const MOST_AT_ONCE = 50

const QUERY = `query OpenPullRequests($ids: [ID!]!) {
  viewer { ${ACCOUNT} }
  nodes(ids: $ids) {
    ... on PullRequest {${LOOK_FIELDS}
      timelineItems(last: 1, itemTypes: [MERGED_EVENT, CLOSED_EVENT, REOPENED_EVENT]) {
        nodes {
          ... on MergedEvent { actor { ${ACCOUNT} } }
          ... on ClosedEvent { actor { ${ACCOUNT} } }
          ... on ReopenedEvent { actor { ${ACCOUNT} } }
        }
      }
    }
  }
}`

/** One request for up to 50 pull requests of a host. A host that fails is asked no further. */
export async function lookAtPulls(
  parts: GitHubForgeParts,
  watched: readonly WatchedPullRequest[],
  signal: AbortSignal,
): Promise<LookResult> {
  const looked: LookResult = { sightings: [], lost: [], faults: [] }
  for (const [host, some] of byHost(watched, looked.faults)) {
    try {
      const those = withSpareOnes(some)
      for (let at = 0; at < those.length; at += MOST_AT_ONCE) {
        const batch = await lookAtBatch(parts, { host, watched: those.slice(at, at + MOST_AT_ONCE), signal })
        looked.sightings.push(...batch.sightings)
        looked.lost.push(...batch.lost)
        looked.faults.push(...batch.faults)
      }
    } catch (error) {
      looked.faults.push(toFault(error))
    }
  }
  return looked
}

/** Spare ones fill up the last request and make none. */
function withSpareOnes(some: readonly WatchedPullRequest[]): WatchedPullRequest[] {
  const asked = some.filter(({ isSpare }) => !isSpare)
  const room = (MOST_AT_ONCE - (asked.length % MOST_AT_ONCE)) % MOST_AT_ONCE
  return [...asked, ...(asked.length === 0 ? [] : some.filter(({ isSpare }) => isSpare).slice(0, room))]
}

/** A project whose repository is none on GitHub becomes a fault. */
function byHost(watched: readonly WatchedPullRequest[], faults: Fault[]): Map<string, WatchedPullRequest[]> {
  const hosts = new Map<string, WatchedPullRequest[]>()
  for (const [project, some] of Map.groupBy(watched, (one) => one.project)) {
    try {
      const { host } = githubRepositoryOf(project)
      const others = hosts.get(host)
      hosts.set(host, others === undefined ? some : [...others, ...some])
    } catch (error) {
      faults.push(toFault(error))
    }
  }
  return hosts
}

async function lookAtBatch(
  parts: GitHubForgeParts,
  { host, watched, signal }: { host: string; watched: readonly WatchedPullRequest[]; signal: AbortSignal },
): Promise<LookResult> {
  const body = { query: QUERY, variables: { ids: watched.map(({ nodeId }) => nodeId) } }
  const request = { host, method: 'POST', path: 'graphql', body, signal } as const
  const { told: answer, at: answeredAt } = await askApiAt(parts.gh, request, Answer)
  const viewer = answer.data.viewer?.login ?? null
  const rows = await pullRequestsToLookAt(parts.db, watched)
  const looked: LookResult = { sightings: [], lost: [], faults: [] }
  for (const [index, of] of watched.entries()) {
    const [node, row = null] = [nodeOf(host, of, { answer, index }), rows[index]]
    if (node instanceof Fault) looked.faults.push(node)
    else if (node === null) looked.lost.push(...lostOf(of, 'gone', goneText(host)))
    else if (node.state === 'OPEN' && isReviewHidden(answer, index))
      parts.log.warn({ number: of.number }, 'a pull request cannot be seen on GitHub')
    else if (row !== null) {
      const seen = await sightingOf(parts, { of, row, viewer, answeredAt }, node)
      if (seen === null) continue
      if ('is' in seen) looked.lost.push(seen)
      else looked.sightings.push(seen)
    }
  }
  for (const { of, why } of looked.lost) parts.log.warn({ number: of.number, why }, 'an open pull request is lost')
  return looked
}

/** One that was closed, and is looked at in case it is reopened, is not missed. */
function lostOf(of: WatchedPullRequest, is: LostPullRequest['is'], why: string): LostPullRequest[] {
  return of.known.state === 'open' ? [{ of, is, why }] : []
}

/** Null when its merge could not be proven now, e.g. because the fetch failed; the others must not wait for that. */
async function sightingOf(
  parts: GitHubForgeParts,
  { of, row, viewer, answeredAt }: { of: WatchedPullRequest; row: LookedAt; viewer: string | null; answeredAt: number },
  seen: PullRequestNode,
): Promise<Sighting | LostPullRequest | null> {
  try {
    const pullRequest = await pullRequestOf(parts, { of, row }, seen)
    const [lost] = pullRequest === null ? lostOf(of, 'unproven', unprovenText(row.base, seen.baseRefName)) : []
    if (pullRequest === null) return lost === undefined ? null : lost
    const checks = seen.statusCheckRollup === null ? null : seen.statusCheckRollup.state
    const baseSha = seen.baseRef?.target.oid ?? null
    const told = {
      baseSha,
      checks,
      review: seen.reviewDecision,
      parts: partsIn(seen),
      isDraft: seen.isDraft,
      endedBy: endedByIn(seen, viewer),
    }
    const mark = markOf(row, { node: seen, isRecent: isRecent(seen, answeredAt), now: parts.clock.now() })
    return { of, pullRequest, ...told, mark }
  } catch (error) {
    parts.log.warn({ number: of.number, err: error }, 'the end of a pull request could not be proven')
    return null
  }
}

/** @param viewer the login of Moose's account; null: GitHub did not tell */
function endedByIn({ timelineItems }: PullRequestNode, viewer: string | null): EndedBy | null {
  const actor = timelineItems?.nodes[0]?.actor
  if (actor === undefined || actor === null) return null
  return { login: actor.login, isMoose: isSameAccount(actor.login, viewer) }
}

/** Its number, address and branch are those that Moose keeps, whatever GitHub says now. Null: its base does not hold what is merged. */
async function pullRequestOf(
  parts: GitHubForgeParts,
  { of: { project }, row }: { of: WatchedPullRequest; row: LookedAt },
  { state, headRefOid: headSha, baseRefName: base, mergeCommit }: PullRequestNode,
): Promise<PullRequest | null> {
  const facts = { ...toPullRequest(row), base, headSha, mergeSha: null }
  if (state === 'CLOSED') return { ...facts, state: 'closed' }
  if (state === 'OPEN') return { ...facts, state: 'open' }
  const told = { headSha, mergeSha: mergeCommit === null ? null : mergeCommit.oid }
  const mergeSha = await provenMerge(parts, project, row, told)
  if (mergeSha === null) return null
  const isOther = await holdsOther(parts, project, { verified: row.head_sha, headSha })
  await deleteMergedBranch(parts, project, { branch: row.branch, headSha })
  return { ...facts, state: 'merged', mergeSha, holdsOther: isOther }
}

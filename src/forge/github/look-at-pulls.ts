import { z } from 'zod'
import { findPullRequestOfAttempt, type PullRequestRow } from '../../db/pull-requests.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import type { LookResult, PullRequest, Sighting, WatchedPullRequest } from '../../ports/pull-request.ts'
import { askApi } from './github-api.ts'
import { githubRepositoryOf } from './github-repository.ts'
import { deleteMergedBranch, provenMerge } from './proven-merge.ts'
import { type GitHubForgeParts, toPullRequest } from './pulls.ts'

/** GitHub resolves up to 100 ids at once; half of that keeps a query far from its limits. */
const MOST_AT_ONCE = 50

/** @see https://docs.github.com/en/graphql/reference/objects#pullrequest */
const QUERY = `query OpenPullRequests($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on PullRequest {
      id number state headRefOid baseRefName reviewDecision
      mergeCommit { oid }
      statusCheckRollup { state }
    }
  }
}`

const Sha = z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/)

const PullRequestNode = z.object({
  id: z.string(),
  number: z.number().int(),
  state: z.enum(['OPEN', 'CLOSED', 'MERGED']),
  headRefOid: Sha,
  baseRefName: z.string(),
  reviewDecision: z.string().nullable(),
  mergeCommit: z.object({ oid: Sha }).nullable(),
  statusCheckRollup: z.object({ state: z.string() }).nullable(),
})
type PullRequestNode = z.infer<typeof PullRequestNode>

/** Another kind of thing has none of the fields asked for; an id that cannot be resolved comes as null. */
const MissingNode = z.strictObject({}).or(z.null())

/** In the order of the ids. Each is read for itself, so that one of unknown form takes nothing from the others. */
const Answer = z.object({ data: z.object({ nodes: z.array(z.unknown()) }) })

/** One request for up to 50 pull requests of a host. A host that fails is asked no further. */
export async function lookAtPulls(
  parts: GitHubForgeParts,
  watched: readonly WatchedPullRequest[],
  signal: AbortSignal,
): Promise<LookResult> {
  const looked: LookResult = { sightings: [], faults: [] }
  for (const [host, some] of byHost(watched, looked.faults)) {
    try {
      const those = withSpareOnes(some)
      for (let at = 0; at < those.length; at += MOST_AT_ONCE) {
        const batch = await lookAtBatch(parts, { host, watched: those.slice(at, at + MOST_AT_ONCE), signal })
        looked.sightings.push(...batch.sightings)
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
  const { data } = await askApi(parts.gh, { host, method: 'POST', path: 'graphql', body, signal }, Answer)
  const looked: LookResult = { sightings: [], faults: [] }
  for (const [index, of] of watched.entries()) {
    const node = nodeOf(host, of, data.nodes[index])
    if (node instanceof Fault) looked.faults.push(node)
    else if (node === null) parts.log.warn({ number: of.number }, 'a pull request cannot be seen on GitHub')
    else looked.sightings.push(...(await sightingOf(parts, of, node)))
  }
  return looked
}

/** Null: it cannot be seen. A Fault: what came cannot be read, or is about another one. */
function nodeOf(host: string, { number, nodeId }: WatchedPullRequest, node: unknown): PullRequestNode | Fault | null {
  if (node === undefined || MissingNode.safeParse(node).success) return null
  const seen = PullRequestNode.safeParse(node)
  if (seen.success && seen.data.id === nodeId && seen.data.number === number) return seen.data
  const what = seen.success ? 'told of another one instead' : 'answered in a form Moose does not know'
  const message = `GitHub (${host}) was asked about pull request #${number} and ${what}. Look at it on GitHub.`
  return new Fault('github_failed', message, { host, number }, seen.error)
}

/** Empty when its merge could not be proven now, e.g. because the fetch failed; the others must not wait for that. */
async function sightingOf(parts: GitHubForgeParts, of: WatchedPullRequest, seen: PullRequestNode): Promise<Sighting[]> {
  try {
    const row = await findPullRequestOfAttempt(parts.db, of)
    if (row === null) return []
    const pullRequest = await pullRequestOf(parts, { of, row }, seen)
    const checks = seen.statusCheckRollup === null ? null : seen.statusCheckRollup.state
    return [{ of, pullRequest, checks, review: seen.reviewDecision }]
  } catch (error) {
    parts.log.warn({ number: of.number, err: error }, 'the end of a pull request could not be proven')
    return []
  }
}

/** Its number, address and branch are those that Moose keeps, whatever GitHub says now. */
async function pullRequestOf(
  parts: GitHubForgeParts,
  { of: { project, known }, row }: { of: WatchedPullRequest; row: PullRequestRow },
  { state, headRefOid: headSha, baseRefName: base, mergeCommit }: PullRequestNode,
): Promise<PullRequest> {
  const facts = { ...toPullRequest(row), base, headSha, mergeSha: null }
  if (state === 'CLOSED') return { ...facts, state: 'closed' }
  if (state === 'OPEN') return { ...facts, state: 'open' }
  const told = { headSha, mergeSha: mergeCommit === null ? null : mergeCommit.oid }
  const mergeSha = await provenMerge(parts, project, row, told)
  if (mergeSha === null) {
    const { number } = row
    parts.log.warn(
      { number, base: row.base, into: base },
      'GitHub calls a pull request merged whose change its base does not hold',
    )
    return { ...facts, state: known.state }
  }
  await deleteMergedBranch(parts, project, { branch: row.branch, headSha })
  return { ...facts, state: 'merged', mergeSha }
}

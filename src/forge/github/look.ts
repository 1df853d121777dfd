import { z } from 'zod'
import { type Fault, toFault } from '../../errors.ts'
import type { Looked, PullRequest, Sighting, WatchedPullRequest } from '../../pipeline/ports/pull-request.ts'
import { askApi } from './github-api.ts'
import type { GitHubForgeParts } from './github-forge-parts.ts'
import { githubRepositoryOf } from './github-repository.ts'
import { deleteMergedBranch, provenMerge } from './proof.ts'

/** GitHub resolves up to 100 ids at once; half of that keeps a query far from its limits. */
const MOST_AT_ONCE = 50

/** @see https://docs.github.com/en/graphql/reference/objects#pullrequest */
const QUERY = `query OpenPullRequests($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on PullRequest {
      id number url state headRefName headRefOid baseRefName reviewDecision
      mergeCommit { oid }
      statusCheckRollup { state }
    }
  }
}`

const Seen = z.object({
  id: z.string(),
  number: z.number().int(),
  url: z.string(),
  state: z.enum(['OPEN', 'CLOSED', 'MERGED']),
  headRefName: z.string(),
  headRefOid: z.string(),
  baseRefName: z.string(),
  reviewDecision: z.string().nullable(),
  mergeCommit: z.object({ oid: z.string() }).nullable(),
  statusCheckRollup: z.object({ state: z.string() }).nullable(),
})
type Seen = z.infer<typeof Seen>

/** Another kind of thing has none of the fields asked for. */
const Unseen = z.strictObject({}).transform(() => null)

/** Ids that cannot be resolved come as null, and an `errors` beside the data says so. */
const Answer = z.object({ data: z.object({ nodes: z.array(Seen.or(Unseen).or(z.null())) }) })

/** One request for up to 50 pull requests of a host. A host that fails is asked no further. */
export async function lookAt(
  parts: GitHubForgeParts,
  watched: readonly WatchedPullRequest[],
  signal: AbortSignal,
): Promise<Looked> {
  const looked: Looked = { sightings: [], faults: [] }
  for (const [host, some] of byHost(watched, looked.faults)) {
    try {
      for (let at = 0; at < some.length; at += MOST_AT_ONCE) {
        looked.sightings.push(
          ...(await lookAtBatch(parts, { host, watched: some.slice(at, at + MOST_AT_ONCE), signal })),
        )
      }
    } catch (error) {
      looked.faults.push(toFault(error))
    }
  }
  return looked
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
): Promise<Sighting[]> {
  const body = { query: QUERY, variables: { ids: watched.map(({ nodeId }) => nodeId) } }
  const { data } = await askApi(parts.gh, { host, method: 'POST', path: 'graphql', body, signal }, Answer)
  const seen = new Map(data.nodes.flatMap((node) => (node === null ? [] : [[node.id, node]])))
  const sightings: Sighting[] = []
  for (const of of watched) {
    const node = seen.get(of.nodeId)
    if (node === undefined) parts.log.warn({ number: of.number }, 'a pull request cannot be seen on GitHub')
    else sightings.push(...(await sightingOf(parts, of, node)))
  }
  return sightings
}

/** Empty when its merge could not be proven now, e.g. because the fetch failed; the others must not wait for that. */
async function sightingOf(parts: GitHubForgeParts, of: WatchedPullRequest, seen: Seen): Promise<Sighting[]> {
  try {
    const pullRequest = await pullRequestOf(parts, of, seen)
    const checks = seen.statusCheckRollup === null ? null : seen.statusCheckRollup.state
    return [{ of, pullRequest, checks, review: seen.reviewDecision }]
  } catch (error) {
    parts.log.warn({ number: of.number, err: error }, 'the end of a pull request could not be proven')
    return []
  }
}

async function pullRequestOf(parts: GitHubForgeParts, of: WatchedPullRequest, seen: Seen): Promise<PullRequest> {
  const { number, url, headRefName: branch, headRefOid: headSha, baseRefName: base } = seen
  const facts = { number, url, branch, base, headSha }
  if (seen.state === 'CLOSED') return { ...facts, state: 'closed', mergeSha: null }
  if (seen.state === 'OPEN') return { ...facts, state: 'open', mergeSha: null }
  const merge = { base, headSha, mergeSha: seen.mergeCommit === null ? null : seen.mergeCommit.oid }
  const mergeSha = await provenMerge(parts, of.project, merge)
  if (mergeSha === null) {
    parts.log.warn({ number, base }, 'GitHub calls a pull request merged whose change its base does not hold')
    return { ...facts, state: 'open', mergeSha: null }
  }
  await deleteMergedBranch(parts, of.project, { branch, headSha })
  return { ...facts, state: 'merged', mergeSha }
}

import { type LookedAt, pullRequestsToLookAt } from '../../../db/seen-pull-requests.ts'
import { Fault } from '../../../faults/fault.ts'
import type { OfPullRequest, PullRequestFacts } from '../../../ports/pull-request-facts.ts'
import { branchFacts } from '../../branch-facts.ts'
import { askApi } from '../github-api.ts'
import { type GitHubRepository, githubRepositoryOf } from '../github-repository.ts'
import type { GitHubForgeParts } from '../pulls.ts'
import { retryGitHub } from '../retry-github.ts'
import { absentChecks, checkFacts } from './check-facts.ts'
import { conversationFacts } from './conversation-facts.ts'
import { FactsAnswer, FactsNode, factsQuery } from './facts-query.ts'
import type { Writers } from './writers.ts'

/** What GitHub resolves at once of this size. */
const MOST_AT_ONCE = 10

export type FactsParts = { forge: GitHubForgeParts; writers: Writers }

/** One request for up to ten pull requests, and one for each account that is met for the first time in a while. */
export async function factsOfPulls(
  parts: FactsParts,
  pulls: readonly OfPullRequest[],
  signal: AbortSignal,
): Promise<PullRequestFacts[]> {
  const facts: PullRequestFacts[] = []
  for (const [host, some] of Map.groupBy(pulls, ({ project }) => githubRepositoryOf(project).host)) {
    for (let at = 0; at < some.length; at += MOST_AT_ONCE) {
      facts.push(...(await factsOfBatch(parts, { host, pulls: some.slice(at, at + MOST_AT_ONCE), signal })))
    }
  }
  return facts
}

type Batch = { host: string; pulls: readonly OfPullRequest[]; signal: AbortSignal }

async function factsOfBatch(parts: FactsParts, { host, pulls, signal }: Batch): Promise<PullRequestFacts[]> {
  const named = pulls.flatMap((of) => (of.nodeId === null ? [] : [{ of, nodeId: of.nodeId }]))
  const body = factsQuery(named.map(({ nodeId }) => nodeId))
  const request = { host, method: 'POST', path: 'graphql', body, signal } as const
  const answer = await retryGitHub(parts.forge, signal, () => askApi(parts.forge.gh, request, FactsAnswer))
  const rows = await pullRequestsToLookAt(
    parts.forge.db,
    named.map(({ of }) => of),
  )
  const facts: PullRequestFacts[] = []
  for (const [index, { of }] of named.entries()) {
    const [node, row = null] = [nodeOf(host, of, answer.data[`p${index}`]), rows[index]]
    const which = { project: of.project.name, number: of.number }
    if (node instanceof Fault) {
      parts.forge.log.warn({ ...which, reason: node.message }, 'what GitHub told of a pull request is left out')
      continue
    }
    if (node === null || row === null) {
      parts.forge.log.warn(which, 'a pull request cannot be seen on GitHub')
      continue
    }
    const hidden = (answer.errors ?? []).flatMap(({ path }) => (path?.[0] === `p${index}` ? [path] : []))
    const seen = { host, of, row, node, areChecksHidden: hidden.some(isOfChecks), signal }
    facts.push(...(await factsOfOne(parts, seen)))
  }
  return facts
}

/** Those of the base are told beside, and a check is judged without them. */
function isOfChecks(path: readonly (string | number)[]): boolean {
  return path[1] === 'statusCheckRollup'
}

/** Null: it cannot be seen. A Fault: what came cannot be read, or is about another one. */
function nodeOf(host: string, { number, nodeId }: OfPullRequest, node: unknown): FactsNode | Fault | null {
  if (node === null || node === undefined) return null
  const seen = FactsNode.safeParse(node)
  if (seen.success && seen.data.id === nodeId && seen.data.number === number) return seen.data
  const what = seen.success ? 'told of another one instead' : 'answered in a form Moose does not know'
  const message = `GitHub (${host}) was asked about pull request #${number} and ${what}. Look at it on GitHub.`
  return new Fault('github_failed', message, { host, number }, seen.error)
}

type Seen = {
  of: OfPullRequest
  row: LookedAt
  node: FactsNode
  areChecksHidden: boolean
  signal: AbortSignal
}

/** Empty: its branch or base has moved on meanwhile, which the next look shows. */
async function factsOfOne(parts: FactsParts, seen: Seen): Promise<PullRequestFacts[]> {
  const { of, row, node, signal } = seen
  const { project, workOrderId } = of
  const repository: GitHubRepository = githubRepositoryOf(project)
  const headSha = node.headRefOid
  const baseSha = node.baseRef?.target.oid ?? null
  const stands = { workOrderId, branch: row.branch, base: row.base, headSha, baseSha }
  const source = { project, mirror: parts.forge.mirrors.of(project), signal }
  const byGit = await branchFacts(source, stands)
  if (byGit === null) return []
  const conversation = await conversationFacts(parts.writers.of(repository, signal), node)
  return [
    {
      number: row.number,
      state: STATES[node.state],
      branch: row.branch,
      base: node.baseRefName,
      head_sha: headSha,
      known_head_sha: row.head_sha,
      base_sha: baseSha,
      ...byGit,
      checks: checkFacts(repository, node),
      absent_checks: absentChecks(node),
      review_decision: node.reviewDecision,
      ...conversation,
      auto_merge: autoMergeIn(node),
      knows: { checks: !seen.areChecksHidden, reviews: true },
    },
  ]
}

const STATES = { OPEN: 'open', CLOSED: 'closed', MERGED: 'merged' } as const

/** GitHub ends the request when it puts the pull request into a merge queue. */
function autoMergeIn({ autoMergeRequest: asked, isInMergeQueue }: FactsNode): PullRequestFacts['auto_merge'] {
  if (asked === null || asked === undefined) return isInMergeQueue === true ? { by: null } : null
  return { by: asked.enabledBy === null ? null : asked.enabledBy.login }
}

import { pullRequestsToLookAt } from '../../db/pull-requests/seen-pull-requests.ts'
import { remoteHeads } from '../../git/push.ts'
import {
  type FollowUpForge,
  NOTHING_TOLD,
  type OfPullRequest,
  type PullRequestFacts,
} from '../../ports/pull-request-facts.ts'
import type { Project } from '../../work-order/project.ts'
import { branchFacts } from '../branch-facts.ts'
import { revertsOnBase } from '../reverts-on-base.ts'
import type { LocalForgeParts } from './local-forge-parts.ts'

/** The local forge knows no CI, no reviews and no comments: there are the base, conflicts, commits of others and reverts. */
export function createLocalFollowUp(parts: LocalForgeParts): FollowUpForge {
  return {
    async factsOf(pulls, signal) {
      const facts: PullRequestFacts[] = []
      for (const [project, some] of Map.groupBy(pulls, (one) => one.project)) {
        facts.push(...(await factsOfProject(parts, { project, some, signal })))
      }
      return facts
    },
    failureOf: async (_of, { name }) => {
      return { from: 'none', text: '', identity: null, why: `The local forge has no check "${name}".` }
    },
    rerunFailed: async () => ({ outcome: 'refused', why: 'The local forge runs no checks.' }),
    replyTo: async (_of, { thread }) => ({ id: thread.id, url: null, is_new: false }),
    keepComment: async () => null,
    mergeWhenReady: async () => ({ outcome: 'ready' }),
    withdrawMerge: async () => null,
    revertsOf: (project, changes, since, signal) => revertsOnBase(parts.mirrors, { project, changes, since, signal }),
  }
}

type Look = { project: Project; some: readonly OfPullRequest[]; signal: AbortSignal }

async function factsOfProject(parts: LocalForgeParts, { project, some, signal }: Look): Promise<PullRequestFacts[]> {
  const rows = await pullRequestsToLookAt(parts.db, some)
  const known = rows.filter((row) => row !== null)
  const source = { project, mirror: parts.mirrors.of(project), signal }
  const heads = await remoteHeads(source, [...new Set(known.flatMap(({ base, branch }) => [base, branch]))])
  const facts: PullRequestFacts[] = []
  for (const row of known) {
    const [head, baseSha = null] = [heads.get(row.branch), heads.get(row.base)]
    // Deleted by hand: the mirror keeps the commit of every attempt.
    const headSha = head === undefined ? row.head_sha : head
    const { work_order_id: workOrderId, number, branch, base, state, head_sha: knownHeadSha } = row
    const byGit = await branchFacts(source, { workOrderId, branch, base, headSha, baseSha })
    if (byGit === null) continue
    const stands = { number, state, branch, base, head_sha: headSha, known_head_sha: knownHeadSha, base_sha: baseSha }
    facts.push({ ...stands, ...byGit, ...NOTHING_TOLD })
  }
  return facts
}

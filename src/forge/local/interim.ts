import { findPullRequestOfAttempt } from '../../db/pull-requests.ts'
import { containsCommit } from '../../git/merge.ts'
import { remoteHeads } from '../../git/push.ts'
import { branchRef } from '../../git/ref-names.ts'
import type { FollowUpForge, FollowUpForges } from '../../ports/pull-request-facts.ts'
import { type LocalForgeParts, pushSource } from './local-forge-parts.ts'

export function interim(parts: LocalForgeParts): FollowUpForges {
  const no = async () => { throw new Error('interim') }
  const local: FollowUpForge = {
    async factsOf(pulls) {
      const facts = []
      for (const of of pulls) {
        const row = await findPullRequestOfAttempt(parts.db, of)
        if (row === null) continue
        const mirror = parts.mirrors.of(of.project)
        const heads = await remoteHeads(pushSource(parts, of.project), [row.base, row.branch])
        const tip = heads.get(row.base) ?? null
        const head = heads.get(row.branch) ?? row.head_sha
        await mirror.fetchBranch(of.project, { branch: row.base, into: branchRef(row.base) }, null)
        await mirror.fetchBranch(of.project, { branch: row.branch, into: branchRef(row.branch) }, null)
        facts.push({
          number: row.number, state: 'open' as const, branch: row.branch, base: row.base, head_sha: head, known_head_sha: row.head_sha,
          base_sha: tip, has_base_moved: tip !== null && !(await containsCommit(mirror, head, tip)), mergeability: 'clean' as const,
          conflict_files: null, merge_state: null, others: { commits: [], commit_count: 0, is_rewritten: false },
          checks: [], check_count: 0, review_decision: null, reviews: [], threads: [], thread_count: 0, comments: [], comment_count: 0,
          auto_merge: null, knows: { checks: false, reviews: false },
        })
      }
      return facts
    },
    failureOf: no, rerunFailed: no, replyTo: no, keepComment: no, mergeWhenReady: no, withdrawMerge: no, revertsOf: no,
  }
  return { local, github: { ...local, factsOf: async () => [] } }
}

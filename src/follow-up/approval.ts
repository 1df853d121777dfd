import type { SeenApproval } from '../contract/evidence/seen-approval.ts'
import type { PullRequestFacts } from '../ports/pull-request-facts.ts'
import { decidingIn, timeOf } from './asked.ts'
import type { Known } from './fold.ts'

/** The approval that counts for the head, else the latest one. A merge of the base counts only where Moose has made it. */
export function approvalOf(facts: PullRequestFacts, { ours }: Pick<Known, 'ours'>): SeenApproval {
  const { head_sha: head, before_base_merges: before } = facts
  const commits = [head, ...before]
  const firstOther = commits.findIndex((sha) => !ours.includes(sha))
  const same = firstOther === -1 ? commits : commits.slice(0, firstOther + 1)
  const approvals = decidingIn(facts)
    .filter(({ state }) => state === 'approved')
    .toSorted((one, other) => timeOf(one) - timeOf(other))
  const held = approvals.findLast(({ head_sha: sha }) => sha !== null && same.includes(sha))
  const last = held === undefined ? approvals.at(-1) : held
  if (last === undefined) return { by: null, approved_sha: null, head_sha: head, holds: false }
  return { by: last.login, approved_sha: last.head_sha, head_sha: head, holds: held !== undefined }
}

import { type EndedVerification, whatFailed } from '../contract/evidence/ended-verification.ts'
import type { PullRequestRow } from '../db/pull-requests/pull-requests.ts'
import { Fault } from '../faults/fault.ts'
import { waysToMend, waysToVerify, withWaysOut } from '../work-order/ways-out.ts'

/**
 * Why a branch that was changed after its checks is not merged. A human is needed, as where git cannot merge.
 *
 * @param head where the branch stands
 * @param failed the verification of that which failed; null: there was none
 * @returns `merge_conflict` with `seen_head_sha`
 */
export function unverified(row: PullRequestRow, head: string, failed: EndedVerification | null): Fault {
  const { number, branch, work_order_id: workOrderId } = row
  const why = `The branch ${branch} was changed after its checks: it stands at ${head}, not at ${row.head_sha}.`
  const said = failed === null ? why : `${why} That was verified in attempt ${failed.attempt}: ${whatFailed(failed)}`
  const ways = failed === null ? waysToVerify({ workOrderId }) : waysToMend({ workOrderId, branch })
  const { message, details } = withWaysOut(said, ways)
  return new Fault('merge_conflict', message, { number, branch, seen_head_sha: head, ...details })
}

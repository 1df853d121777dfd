import type { Kysely } from 'kysely'
import { findAttempt } from '../db/attempts.ts'
import { recordOutcome, recordPullRequestEvent } from '../db/outcomes.ts'
import type { Database } from '../db/schema.ts'
import { moveWorkOrder } from '../db/work-orders.ts'
import { Fault, type FaultRecord } from '../errors.ts'
import type { PullRequest } from '../pipeline/ports/pull-request.ts'

/**
 * A pull request was merged or closed: its order becomes `completed` or `cancelled`, in one transaction with the event
 * and the outcome. The end of an earlier attempt's pull request is recorded and leaves the order to its last attempt. A
 * repetition changes nothing.
 */
export async function recordPullRequestEnd(
  db: Kysely<Database>,
  { workOrderId, attempt, pullRequest }: { workOrderId: string; attempt: number; pullRequest: PullRequest },
): Promise<void> {
  const merged = pullRequest.state === 'merged'
  await db.transaction().execute(async (transaction) => {
    await moveWorkOrder(transaction, workOrderId, {
      from: ['in_progress'],
      attempt,
      to: merged ? 'completed' : 'cancelled',
      reason: merged ? null : closedReason(pullRequest.number),
      metadata: { merge_sha: pullRequest.mergeSha },
    })
    await recordPullRequestEvent(transaction, {
      workOrderId,
      action: merged ? 'merged' : 'closed',
      number: pullRequest.number,
      branch: pullRequest.branch,
      metadata: { pr_url: pullRequest.url, merge_sha: pullRequest.mergeSha },
    })
    const row = await findAttempt(transaction, { workOrderId, attempt })
    await recordOutcome(
      transaction,
      {
        work_order_id: workOrderId,
        attempt,
        operation_type: 'pull_request_end',
        success: merged,
        outcome: merged ? 'merged' : 'closed',
        cost: row.cost_usd,
        execution_time_ms: Date.now() - row.claimed_at.getTime(),
        model_used: 'none',
      },
      { error: null, metadata: { pr_url: pullRequest.url } },
    )
  })
}

function closedReason(number: number): FaultRecord {
  const message = `Pull request #${number} was closed without a merge, or its branch was deleted.`
  return new Fault('pull_request_closed', message, { number }).toRecord()
}

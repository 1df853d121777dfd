import type { Kysely } from 'kysely'
import { type AttemptKey, type AttemptRun, endAttempt } from '../../db/attempts/attempts.ts'
import { assertLastRun } from '../../db/attempts/hold-attempt.ts'
import { recordPullRequestEvent } from '../../db/github-events.ts'
import { recordOutcome } from '../../db/outcome-vectors.ts'
import type { Database } from '../../db/schema.ts'
import { recordEvent } from '../../db/work-order-events.ts'
import { findWorkOrder, recordPullRequestOfOrder } from '../../db/work-orders/work-orders.ts'
import type { Success } from '../end-of-attempt.ts'
import { outcomeFacts, outcomeOf } from '../outcome.ts'

/**
 * The seed's three writes (4.7) in one transaction: the order goes `in_review` with its pull request, `github_events`
 * hears of it, `outcome_vectors` learns from it. A repetition changes nothing.
 *
 * @returns false when the order was cancelled meanwhile, or completed by another pull request, and this one has to go
 * @throws {Fault} `attempt_taken_over` when a later run is to record it: this one must not count as having done so
 */
export async function recordSuccess(db: Kysely<Database>, success: Success & AttemptRun): Promise<boolean> {
  const { workOrderId, attempt, evidence, pullRequest } = success
  return db.transaction().execute(async (transaction) => {
    const end = { status: 'succeeded', error: null, branch: pullRequest.branch } as const
    const ended = await endAttempt(transaction, success, end)
    if (ended === null) {
      await assertLastRun(transaction, success)
      return isWanted(transaction, { workOrderId, attempt, pullRequest })
    }
    const inReview = await recordPullRequestOfOrder(transaction, workOrderId, {
      pullRequest,
      proposer: evidence.routed.decision.selected_proposer,
      metadata: metadataOf(success),
    })
    await recordPullRequestEvent(transaction, {
      workOrderId,
      action: 'opened',
      number: pullRequest.number,
      branch: pullRequest.branch,
      metadata: {
        pr_url: pullRequest.url,
        risk_level: evidence.routed.order.risk_level,
        proposer_used: evidence.proposed.response.proposer_used,
        cost: Number(ended.cost_usd),
      },
    })
    const outcome = outcomeOf(ended, outcomeFacts(evidence))
    await recordOutcome(transaction, { ...outcome.row, success: true, outcome: 'pull_request_opened' }, outcome.context)
    await recordEvent(transaction, {
      workOrderId,
      attempt,
      type: 'attempt_ended',
      message: `pull request #${pullRequest.number} is open: ${pullRequest.url}`,
      data: {
        outcome: 'succeeded',
        pr_url: pullRequest.url,
        pr_number: pullRequest.number,
        branch: pullRequest.branch,
        cost_usd: Number(ended.cost_usd),
        duration_ms: ended.duration_ms,
      },
    })
    return inReview || isWanted(transaction, { workOrderId, attempt, pullRequest })
  })
}

/** Whether the order still stands on this attempt: neither cancelled nor, after that, retried, nor completed by another. */
async function isWanted(
  db: Kysely<Database>,
  { workOrderId, attempt, pullRequest }: AttemptKey & Pick<Success, 'pullRequest'>,
): Promise<boolean> {
  const order = await findWorkOrder(db, workOrderId)
  if (order.status === 'completed') return order.github_pr_url === pullRequest.url
  return order.attempts === attempt && order.status === 'in_progress'
}

function metadataOf({ evidence, attempt, pullRequest }: Success): Record<string, unknown> {
  const { proposer_used, cost, token_usage, execution_time_ms } = evidence.proposed.response
  return {
    routing_decision: evidence.routed.decision,
    proposer_response: { proposer_used, cost, token_usage, execution_time_ms },
    executor_execution: {
      executor: evidence.applied.executor,
      branch_name: pullRequest.branch,
      success: true,
      attempt,
    },
    orchestrator_execution_at: new Date().toISOString(),
  }
}

import type { Kysely } from 'kysely'
import { type AttemptRun, endAttempt } from '../db/attempts.ts'
import { recordEvent } from '../db/events.ts'
import { recordOutcome } from '../db/outcomes.ts'
import type { Database } from '../db/schema.ts'
import { moveWorkOrder } from '../db/work-orders.ts'
import { type FaultRecord, NEXT_MOVE, type NextMove } from '../errors.ts'
import type { Status } from '../work-order/status.ts'
import { type AttemptEnd, failureClass, STAGE, type StepName } from './end-of-attempt.ts'
import { outcomeOf } from './outcome.ts'

export type Failure = AttemptEnd & AttemptRun & { step: StepName; fault: FaultRecord }

/** Where each move leaves the order and its attempt. What should have passed by itself and did not needs a human. */
const END: Record<
  NextMove,
  { order: Status & ('failed' | 'blocked' | 'cancelled'); attempt: 'failed' | 'blocked' | 'cancelled' }
> = {
  fail: { order: 'failed', attempt: 'failed' },
  block: { order: 'blocked', attempt: 'blocked' },
  suspend: { order: 'blocked', attempt: 'blocked' },
  retry: { order: 'blocked', attempt: 'blocked' },
  stop: { order: 'cancelled', attempt: 'cancelled' },
}

/**
 * The failure case of the seed's 4.7, in one transaction. A repetition changes nothing.
 *
 * A suspended attempt has no outcome yet: it will have the one of its real end.
 */
export async function recordFailure(db: Kysely<Database>, failure: Failure): Promise<void> {
  const { workOrderId, attempt, fault, step, evidence } = failure
  const end = END[NEXT_MOVE[fault.code]]
  const isSuspended = NEXT_MOVE[fault.code] === 'suspend'
  const how = isSuspended ? 'suspended' : end.attempt
  await db.transaction().execute(async (transaction) => {
    const ended = await endAttempt(transaction, failure, { status: end.attempt, error: fault })
    if (ended === null) return
    await moveWorkOrder(transaction, workOrderId, {
      from: ['in_progress'],
      to: end.order,
      reason: fault,
      metadata: {
        orchestrator_error: {
          stage: STAGE[step],
          code: fault.code,
          message: fault.message,
          timestamp: new Date().toISOString(),
        },
      },
    })
    if (!isSuspended) {
      const outcome = outcomeOf(ended, evidence)
      await recordOutcome(
        transaction,
        { ...outcome.row, success: false, outcome: end.attempt, failure_class: failureClass(fault.code) },
        {
          ...outcome.context,
          metadata: { ...outcome.context.metadata, error_stage: STAGE[step], error_message: fault.message },
        },
      )
    }
    await recordEvent(transaction, {
      workOrderId,
      attempt,
      type: 'attempt_ended',
      message: `${how} at ${step}: ${fault.message}`,
      data: {
        outcome: how,
        code: fault.code,
        cost_usd: Number(ended.cost_usd),
        duration_ms: ended.duration_ms,
      },
    })
  })
}

import type { Kysely } from 'kysely'
import { type AttemptRun, type EndedAttempt, endAttempt } from '../../db/attempts/attempts.ts'
import { assertLastRun } from '../../db/attempts/hold-attempt.ts'
import { recordOutcome } from '../../db/outcome-vectors.ts'
import type { Database } from '../../db/schema.ts'
import { recordEvent } from '../../db/work-order-events.ts'
import { moveWorkOrder } from '../../db/work-orders/work-orders.ts'
import { type FaultRecord, NEXT_MOVE, type NextMove } from '../../faults/fault.ts'
import type { Status } from '../../work-order/status.ts'
import { type AttemptEnd, failureClass, STAGE, type StepName } from '../end-of-attempt.ts'
import { outcomeFacts, outcomeOf } from '../outcome.ts'
import { fallBackOnPullRequest } from '../put-order.ts'

export type Failure = AttemptEnd & AttemptRun & { step: StepName; fault: FaultRecord }

type Ended = Status & ('failed' | 'blocked' | 'cancelled')
type EndStatuses = { order: Ended; attempt: Ended }

/** Where each move leaves the order and its attempt. What should have passed by itself and did not needs a human. */
const END: Record<Exclude<NextMove, 'leave'>, EndStatuses> = {
  fail: { order: 'failed', attempt: 'failed' },
  block: { order: 'blocked', attempt: 'blocked' },
  suspend: { order: 'blocked', attempt: 'blocked' },
  retry: { order: 'blocked', attempt: 'blocked' },
  stop: { order: 'cancelled', attempt: 'cancelled' },
}

/**
 * The failure case of the seed's 4.7, in one transaction. A repetition changes nothing.
 *
 * A suspended attempt has no outcome yet: it will have the one of its real end. What that is if it never goes on is kept.
 *
 * @throws {Fault} `attempt_taken_over` when a later run is to record its own end: this one must not count as having done so
 */
export async function recordFailure(db: Kysely<Database>, failure: Failure): Promise<void> {
  const move = NEXT_MOVE[failure.fault.code]
  // Who carries it out now records its end.
  if (move === 'leave') return
  await db.transaction().execute(async (transaction) => {
    const end = { status: END[move].attempt, error: failure.fault }
    const rest = move === 'suspend' ? { suspendedOutcome: outcomeFacts(failure.evidence) } : {}
    const ended = await endAttempt(transaction, failure, { ...end, ...rest })
    if (ended === null) {
      // A suspension leaves nothing that would count: whatever goes on begins at the step it was to rest at.
      if (move !== 'suspend') await assertLastRun(transaction, failure)
      return
    }
    await moveOrder(transaction, failure, END[move].order)
    if (move !== 'suspend') await recordFailedOutcome(transaction, failure, ended)
    await recordEnded(transaction, failure, ended, move === 'suspend' ? 'suspended' : END[move].attempt)
    if (move !== 'suspend') await fallBackOnPullRequest(transaction, failure)
  })
}

type Db = Kysely<Database>

async function moveOrder(db: Db, { workOrderId, step, fault }: Failure, to: EndStatuses['order']): Promise<void> {
  const { code, message } = fault
  const orchestrator_error = { stage: STAGE[step], code, message, timestamp: new Date().toISOString() }
  await moveWorkOrder(db, workOrderId, { from: ['in_progress'], to, reason: fault, metadata: { orchestrator_error } })
}

async function recordFailedOutcome(db: Db, { step, fault, evidence }: Failure, ended: EndedAttempt): Promise<void> {
  const { row, context } = outcomeOf(ended, outcomeFacts(evidence))
  const failed = { success: false, outcome: ended.status, failure_class: failureClass(fault.code) }
  const metadata = { ...context.metadata, error_stage: STAGE[step], error_message: fault.message }
  await recordOutcome(db, { ...row, ...failed }, { ...context, metadata })
}

async function recordEnded(db: Db, failure: Failure, ended: EndedAttempt, outcome: string): Promise<void> {
  const { workOrderId, attempt, step, fault } = failure
  const { cost_usd: cost, duration_ms } = ended
  await recordEvent(db, {
    workOrderId,
    attempt,
    type: 'attempt_ended',
    message: `${outcome} at ${step}: ${fault.message}`,
    data: { outcome, code: fault.code, cost_usd: Number(cost), duration_ms },
  })
}

import type { Kysely } from 'kysely'
import { CONFLICT } from '../../contract/evidence/repair.ts'
import { costOfResolving } from '../../db/attempts/asked-before.ts'
import { endShownSteps } from '../../db/attempts/attempt-steps.ts'
import { type AttemptKey, type AttemptRun, type EndedAttempt, endAttempt } from '../../db/attempts/attempts.ts'
import { assertLastRun } from '../../db/attempts/hold-attempt.ts'
import { endFollowUp, noteHandsOff } from '../../db/follow-ups.ts'
import { recordPullRequestEvent } from '../../db/github-events.ts'
import { type ModelCallTotals, sumModelCalls } from '../../db/model-calls.ts'
import { addRepairToOutcome, recordOutcome } from '../../db/outcome-vectors.ts'
import { noteConflict } from '../../db/pull-requests/pull-requests.ts'
import type { Database } from '../../db/schema.ts'
import { recordEvent } from '../../db/work-order-events.ts'
import { findWorkOrder, moveWorkOrder, recordPullRequestOfOrder } from '../../db/work-orders/work-orders.ts'
import { failureClass, isOf } from '../../faults/families.ts'
import { type FaultRecord, moveOf, NEXT_MOVE, type NextMove } from '../../faults/fault.ts'
import type { Status } from '../../work-order/status.ts'
import type { AttemptEnd, Success } from '../evidence.ts'
import { endRows, noteInRows } from '../failures-in-a-row.ts'
import { fallBackOnPullRequest } from '../move-by-pull-requests.ts'
import { outcomeFacts, outcomeOf } from '../outcome.ts'
import { proposerMetadata, spentOnCommit } from '../proposer-metadata.ts'
import { seenConflictOf } from '../seen-conflict-of.ts'
import { STEPS, type StepName } from '../steps.ts'
import { pushedByOthers } from '../verify-only/find-commit.ts'

/**
 * The specification's three writes (4.7) in one transaction: the order goes `in_review` with its pull request, `github_events`
 * and `outcome_vectors` get a row. A repetition changes nothing.
 *
 * @returns false when the order was cancelled meanwhile, or completed by another pull request, and this one has to go
 * @throws {Fault} `attempt_taken_over` when a later run has to record it instead
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
    await endShownSteps(transaction, success, null)
    const inReview = await recordPullRequestOfOrder(transaction, workOrderId, {
      pullRequest,
      proposer: evidence.routed.decision.selected_proposer,
      metadata: metadataOf(success, await spentOn(transaction, success)),
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
    const outcome = outcomeOf(ended, outcomeFacts(evidence, null))
    await recordOutcome(transaction, { ...outcome.row, success: true, outcome: 'pull_request_opened' }, outcome.context)
    await endRows(transaction, success, outcome.row.model_used)
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

/**
 * Records that the commit an open pull request holds was verified, in one transaction: the order is in review with it. That
 * says nothing about a proposer, so there is no outcome but what resolving a conflict has cost. A repetition changes nothing.
 *
 * @throws {Fault} `attempt_taken_over` when a later run has to record it instead
 */
export async function recordVerified(db: Kysely<Database>, success: Success & AttemptRun): Promise<void> {
  const { workOrderId, attempt, evidence, pullRequest } = success
  await db.transaction().execute(async (transaction) => {
    const end = { status: 'succeeded', error: null, branch: pullRequest.branch } as const
    const ended = await endAttempt(transaction, success, end)
    if (ended === null) return await assertLastRun(transaction, success)
    await endShownSteps(transaction, success, null)
    await learnOfConflict(transaction, ended, null)
    if (await hasAsked(transaction, ended)) await endRows(transaction, success, evidence.proposed.proposer)
    const { decision } = evidence.routed
    await recordPullRequestOfOrder(transaction, workOrderId, {
      pullRequest,
      proposer: decision.selected_proposer,
      metadata: { proposer_response: proposerResponse(success, await spentOn(transaction, success)) },
    })
    // Last: where the order stands by then is told with it.
    await learnOfFollowUp(transaction, ended, success, null)
    const { headSha } = evidence.verified
    await recordEvent(transaction, {
      workOrderId,
      attempt,
      type: 'attempt_ended',
      message: `verified ${headSha.slice(0, 12)}: pull request #${pullRequest.number} is that of it now: ${pullRequest.url}`,
      data: {
        outcome: 'succeeded',
        pr_url: pullRequest.url,
        pr_number: pullRequest.number,
        branch: pullRequest.branch,
        head_sha: headSha,
        cost_usd: Number(ended.cost_usd),
        duration_ms: ended.duration_ms,
      },
    })
  })
}

/** Whether this attempt's pull request is wanted: the order was not cancelled, retried or completed by another one. */
async function isWanted(
  db: Kysely<Database>,
  { workOrderId, attempt, pullRequest }: AttemptKey & Pick<Success, 'pullRequest'>,
): Promise<boolean> {
  const order = await findWorkOrder(db, workOrderId)
  if (order.status === 'completed') return order.github_pr_url === pullRequest.url
  return order.attempts === attempt && order.status === 'in_progress'
}

function spentOn(db: Db, { workOrderId, attempt, evidence }: Success): Promise<ModelCallTotals> {
  return spentOnCommit(db, { workOrderId, attempt }, evidence.routed.verifies)
}

function proposerResponse({ evidence }: Success, spent: ModelCallTotals): Record<string, unknown> {
  const { response } = evidence.proposed
  const { refinement_metadata, ...summed } = proposerMetadata(response, spent)
  const { cycles } = refinement_metadata
  return { proposer_used: response.proposer_used, ...summed, refinement_metadata: { cycles } }
}

function metadataOf(success: Success, spent: ModelCallTotals): Record<string, unknown> {
  const { evidence, attempt, pullRequest } = success
  return {
    routing_decision: evidence.routed.decision,
    proposer_response: proposerResponse(success, spent),
    executor_execution: {
      executor: evidence.applied.executor,
      branch_name: pullRequest.branch,
      success: true,
      attempt,
    },
    orchestrator_execution_at: new Date().toISOString(),
  }
}

export type Failure = AttemptEnd & AttemptRun & { step: StepName; fault: FaultRecord }

type Ended = Status & ('failed' | 'blocked' | 'cancelled')
type EndStatuses = { order: Ended; attempt: Ended }

/** The status of the order and the attempt after each move. A transient fault that lasted needs a human. */
const END: Record<Exclude<NextMove, 'leave'>, EndStatuses> = {
  fail: { order: 'failed', attempt: 'failed' },
  block: { order: 'blocked', attempt: 'blocked' },
  suspend: { order: 'blocked', attempt: 'blocked' },
  retry: { order: 'blocked', attempt: 'blocked' },
  stop: { order: 'cancelled', attempt: 'cancelled' },
}

/**
 * The failure case of the specification's 4.7, in one transaction. A repetition changes nothing.
 *
 * A suspended attempt has no outcome yet. The outcome it gets if it is never resumed is stored with it. One that its project's
 * set-up ended, or that only verified a commit, has none at all: it says nothing about a proposer.
 *
 * @throws {Fault} `attempt_taken_over` when a later run has to record its own end instead
 */
export async function recordFailure(db: Kysely<Database>, failure: Failure): Promise<void> {
  const move = moveOf(failure.fault)
  // The process that runs the attempt now records its end.
  if (move === 'leave') return
  await db.transaction().execute(async (transaction) => {
    const end = { status: END[move].attempt, error: failure.fault }
    const rest = move === 'suspend' ? { suspendedOutcome: outcomeFacts(failure.evidence, failure.fault) } : {}
    const ended = await endAttempt(transaction, failure, { ...end, ...rest })
    if (ended === null) {
      // A suspension that comes too late loses nothing: a later run starts at the same step.
      if (move !== 'suspend') await assertLastRun(transaction, failure)
      return
    }
    await endShownSteps(transaction, failure, failure.fault)
    await moveOrder(transaction, failure, END[move].order, move === 'suspend')
    // It may have ended before it was routed, so the row says what it is.
    const isVerifying = ended.verifies !== null
    const hasOutcome = move !== 'suspend' && !isVerifying && !isOf('set_up', failure.fault.code)
    if (hasOutcome) await recordFailedOutcome(transaction, failure, ended)
    const seen = seenConflictOf(failure.fault, new Date())
    if (seen !== null) await noteConflict(transaction, { ...failure, number: seen.number }, seen.conflict)
    if (isVerifying && move !== 'suspend') await learnOfConflict(transaction, ended, failure.fault)
    await recordEnded(transaction, failure, ended, move === 'suspend' ? 'suspended' : END[move].attempt)
    const isFailure =
      (move === 'fail' || move === 'block' || move === 'retry') && NEXT_MOVE[failure.fault.code] !== 'suspend'
    if (isFailure && (!isVerifying || (await hasAsked(transaction, ended)))) await noteInRows(transaction, failure)
    if (move === 'suspend') return
    await fallBackOnPullRequest(transaction, failure)
    const pushed = pushedByOthers(failure.fault)
    if (pushed !== null) await noteHandsOff(transaction, { ...failure, ...pushed }, { ...pushed, at: new Date() })
    // Last: where the order stands by then is told with it.
    await learnOfFollowUp(transaction, ended, failure, failure.fault)
  })
}

type Db = Kysely<Database>

/** Whether an attempt is a reaction of Moose's own in which a model was asked. */
async function hasAsked(db: Db, { work_order_id: id, number, follows }: EndedAttempt): Promise<boolean> {
  return follows !== null && (await sumModelCalls(db, id, number)).calls > 0
}

/** @param goesOn the attempt will be resumed, and what it verifies stays what it was */
async function moveOrder(db: Db, failure: Failure, to: EndStatuses['order'], goesOn: boolean): Promise<void> {
  const { workOrderId, step, fault } = failure
  const { code, message } = fault
  const orchestrator_error = { stage: STEPS[step].stage, code, message, timestamp: new Date().toISOString() }
  const next = goesOn ? {} : { verifies: null }
  const move = { from: ['in_progress'], to, reason: fault, metadata: { orchestrator_error }, ...next } as const
  await moveWorkOrder(db, workOrderId, move)
}

async function recordFailedOutcome(db: Db, { step, fault, evidence }: Failure, ended: EndedAttempt): Promise<void> {
  const { row, context } = outcomeOf(ended, outcomeFacts(evidence, fault))
  const failed = { success: false, outcome: ended.status, failure_class: failureClass(fault.code) }
  const answers = fault.details?.['answers']
  const asked = evidence.proposed === undefined && typeof answers === 'number' ? { answers } : {}
  const metadata = { ...context.metadata, ...asked, error_stage: STEPS[step].stage, error_message: fault.message }
  await recordOutcome(db, { ...row, ...failed }, { ...context, metadata })
}

/**
 * A conflict that a model was to resolve is a repair of the change it had made, with what that has cost. As with any attempt, an
 * end that its answers are not to blame for says nothing of it.
 *
 * @param fault null: it has succeeded
 */
async function learnOfConflict(db: Db, ended: EndedAttempt, fault: FaultRecord | null): Promise<void> {
  const { work_order_id: workOrderId, number, verifies, resolving } = ended
  if (verifies === null || resolving === null || (fault !== null && !isOf('model_work', causeOf(fault)))) return
  const cost = await costOfResolving(db, workOrderId, { resolving, number })
  const repair = { check: CONFLICT, by: 'proposer', mended: fault === null, cost_usd: cost } as const
  await addRepairToOutcome(db, { workOrderId, attempt: verifies }, repair)
}

/** What came of a reaction of Moose's own is kept with it; what a model mended counts as repairs of the change it had made. */
async function learnOfFollowUp(
  db: Db,
  { work_order_id: workOrderId, follows, verifies }: EndedAttempt,
  { evidence: { resolution, review } }: AttemptEnd,
  fault: FaultRecord | null,
): Promise<void> {
  if (follows === null || verifies === null) return
  await endFollowUp(db, follows, fault === null ? 'succeeded' : fault.code, review?.came)
  if (resolution === undefined || (fault !== null && !isOf('model_work', fault.code))) return
  for (const { check, by, mended, cost_usd } of resolution)
    if (check !== CONFLICT && by !== 'fix')
      await addRepairToOutcome(
        db,
        { workOrderId, attempt: verifies },
        { check, by, mended, cost_usd: String(cost_usd) },
      )
}

/** Of a conflict that was left what asking a model came to. */
function causeOf({ code, details }: FaultRecord): string {
  const asking = details?.['repair']
  return code === 'merge_conflict' && typeof asking === 'string' ? asking : code
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

import type { Kysely } from 'kysely'
import type { RunningAttempts } from '../attempt/running-attempts.ts'
import type { ExecutionResult } from '../contract/orchestrator.ts'
import type { WorkOrderView } from '../contract/work-orders.ts'
import { type AttemptKey, type AttemptRun, findAttempt } from '../db/attempts/attempts.ts'
import type { Database } from '../db/schema.ts'
import type { Claim } from '../db/work-orders/claim.ts'
import { isSuspendCode } from '../db/work-orders/suspended-orders.ts'
import { findWorkOrder, wrongStatus } from '../db/work-orders/work-orders.ts'
import { Fault, type FaultRecord, toFault } from '../faults/fault.ts'
import { assertDependenciesMet, settleDependents } from './settle-dependents.ts'

export type ExecuteDeps = {
  db: Kysely<Database>
  /** Claims exactly this order; empty when it has to wait for a free place or scope. */
  claim: () => Promise<Claim>
  /** Releases the order if it is suspended and its condition is met. @returns why it has to wait; null: it does not wait */
  resume: () => Promise<Fault | null>
  start: (run: AttemptRun) => Promise<void>
  running: RunningAttempts
  /** The home whose attempts this process runs. */
  homeId: string
  signal: AbortSignal
}

/** How long to wait before looking again when no attempt of this process ends meanwhile. */
const LOOK_AGAIN_MS = 500

/** Claims one order, waiting for its turn if it must, starts it and waits until it has ended or is suspended (specification 5.4). */
export async function executeOrder(deps: ExecuteDeps, workOrderId: string): Promise<ExecutionResult> {
  const run = await claimInTurn(deps, workOrderId)
  const [fault] = await Promise.all([endOf(deps, run), deps.start(run)])
  if (fault !== null) throw Fault.fromRecord(fault)
  return resultOf(deps.db, run)
}

/** How the run ended; it may have ended before this call. */
async function endOf({ db, running, signal }: ExecuteDeps, run: AttemptRun): Promise<FaultRecord | null> {
  const settled = new AbortController()
  const end = running.endOf(run, AbortSignal.any([signal, settled.signal]))
  // Aborted below or by the caller; the rejection is then expected.
  end.catch(() => undefined)
  try {
    const row = await findAttempt(db, run)
    return row.status === 'running' ? await end : row.error
  } finally {
    settled.abort()
  }
}

async function claimInTurn(deps: ExecuteDeps, workOrderId: string): Promise<AttemptRun> {
  await settleDependents(deps.db, (error) => {
    throw error
  })
  await goOnIfItRests(deps, await findWorkOrder(deps.db, workOrderId))
  for (;;) {
    const order = await findWorkOrder(deps.db, workOrderId)
    // The dispatcher was faster, or an earlier process of this home began it: its end is what was asked for.
    const ours = await ourRun(deps, order)
    if (ours !== null) return ours
    await assertDependenciesMet(deps.db, order.id)
    assertMayStart(order)
    const { claimed, refused } = await deps.claim()
    for (const { error } of refused) throw toFault(error)
    for (const run of claimed) return run
    await nextChance(deps)
  }
}

/**
 * The run of this process, by its record: what an earlier process left is taken up at once, but not yet counted as
 * running. Null: there is none.
 */
async function ourRun(
  { db, homeId }: ExecuteDeps,
  { id, status, attempts }: WorkOrderView,
): Promise<AttemptRun | null> {
  if (status !== 'in_progress' || attempts === 0) return null
  const key = { workOrderId: id, attempt: attempts }
  const attempt = await findAttempt(db, key)
  const isOurs = attempt.status === 'running' && attempt.executor_id === homeId
  return isOurs ? { ...key, epoch: attempt.resumed } : null
}

/** Another process may have made room without a notification to this one. */
async function nextChance({ running, signal }: ExecuteDeps): Promise<void> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(LOOK_AGAIN_MS)])
  await running.nextEnd(soon).catch(() => signal.throwIfAborted())
}

function assertMayStart(order: WorkOrderView): void {
  const short = order.id.slice(0, 8)
  if (order.status === 'in_progress' && order.phase !== 'in_review') {
    const message = `Work order ${order.id} is being carried out already. Follow it with: moose logs -f ${short}`
    throw new Fault('work_order_busy', message, { id: order.id })
  }
  const reason = whyItRests(order)
  if (reason !== null) throw waiting(order, reason)
  if (order.status !== 'pending') throw wrongStatus(order, 'run')
  assertApproved(order)
}

function assertApproved({ id, approved }: WorkOrderView): void {
  if (approved) return
  const message = `Work order ${id} is not approved. Approve it with: moose approve ${id.slice(0, 8)}`
  throw new Fault('work_order_not_approved', message, { id })
}

/** A suspended order that is asked for is released if its condition is met; otherwise the caller gets the reason of now. */
async function goOnIfItRests({ resume }: ExecuteDeps, order: WorkOrderView): Promise<void> {
  if (whyItRests(order) === null) return
  assertApproved(order)
  const reason = await resume()
  if (reason !== null) throw waiting(order, reason)
}

/** The fault the order was suspended with; null: it is not suspended. */
function whyItRests({ status, status_reason: reason }: WorkOrderView): Fault | null {
  return status === 'blocked' && reason !== null && isSuspendCode(reason.code)
    ? new Fault(reason.code, reason.message)
    : null
}

function waiting({ id }: WorkOrderView, { code, message }: Fault): Fault {
  const how = `A running service then resumes it; without one: moose run ${id.slice(0, 8)}`
  return new Fault(code, `${message}   ${how}`, { id })
}

async function resultOf(db: Kysely<Database>, key: AttemptKey): Promise<ExecutionResult> {
  const order = await findWorkOrder(db, key.workOrderId)
  const attempt = await findAttempt(db, key)
  const { github_pr_url, github_pr_number, github_branch } = order
  if (github_pr_url === null || github_pr_number === null || github_branch === null || attempt.ended_at === null) {
    throw new Fault('internal', `Attempt ${key.attempt} of ${order.id} ended without a pull request.`, { id: order.id })
  }
  return {
    work_order_id: order.id,
    attempt: key.attempt,
    status: order.status,
    phase: order.phase,
    pr_url: github_pr_url,
    pr_number: github_pr_number,
    branch_name: github_branch,
    execution_time_ms: attempt.ended_at.getTime() - attempt.claimed_at.getTime(),
    cost_usd: Number(attempt.cost_usd),
  }
}

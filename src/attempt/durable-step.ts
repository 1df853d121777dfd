import { DBOS, DBOSWorkflowConflictError, Error as EngineError } from '@dbos-inc/dbos-sdk'
import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { beginStep, endStep, type StepKey } from '../db/attempts/attempt-steps.ts'
import type { AttemptRun } from '../db/attempts/attempts.ts'
import { holdAttempt, takenOver } from '../db/attempts/hold-attempt.ts'
import { namedFault, reasonOf } from '../db/database-fault.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import { Fault, type FaultRecord, moveOf, NEXT_MOVE, toFault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { Log } from '../log.ts'
import { type Sanitizers, shownFault } from '../redaction/sanitize-output.ts'
import { observeStep } from '../telemetry/observe-attempt.ts'
import { workflowId } from '../work-order/naming.ts'
import { hasRoom, namedByDisk } from './disk-room.ts'
import type { Drain } from './drain.ts'
import type { Outcome } from './journal.ts'
import { type Patience, retryWithPatience } from './retry-with-patience.ts'
import { STEPS, type StepName } from './steps.ts'

export type Step<T> = {
  name: StepName
  /** The part of the input that is shown with the step. */
  input: unknown
  run: () => Promise<T>
  /** For a step that returns its output and still counts as failed, such as `verify`: the failure in its output. */
  failureOf?: (output: T) => FaultRecord | null
}

/** Runs a step of an attempt. @throws {Fault} what ended the step */
export type Run = <T>(step: Step<T>) => Promise<T>

/** A step of an attempt, and which try of it. */
type Key = StepKey & AttemptRun & { name: StepName }

/** With what removes secrets, and what Postgres cannot hold, from what is shown. */
export type StepDeps = Sanitizers & {
  db: Kysely<Database>
  clock: Clock
  log: Log
  drain: Drain
  signal: AbortSignal
  /** The id of this home. */
  homeId: string
  config: Pick<Config, 'home'>
  /** Gives up a run that another process owns now. Never resolves. */
  leave: (run: AttemptRun, fault: Fault) => Promise<never>
}

/**
 * Runs one step, with one result: the engine checkpoints the outcome and does not run the step again
 * after a crash. The checkpoint is exact; input, output, times, cost and error are also stored
 * for display only, redacted, and written after the engine's checkpoint, so that a step shown as ended never runs again.
 * `record` has no checkpoint: it is one transaction that changes nothing when it is repeated.
 *
 * @throws {Fault} what ended the step, or suspended it
 */
export async function durableStep<T>(deps: StepDeps, key: Key, step: Step<T>): Promise<T> {
  if (deps.drain.requested) await deps.drain.park(key.workOrderId)
  const outcome = await (STEPS[key.name].result === 'database' ? performOrSuspend : checkpointed)(deps, key, step)
  // Idempotent: a replay writes what a crash after the checkpoint has left out.
  await showEnd(deps, key, step, outcome)
  if (deps.drain.requested) await deps.drain.park(key.workOrderId)
  if (!outcome.ok) throw Fault.fromRecord(outcome.fault)
  return outcome.output
}

async function checkpointed<T>(deps: StepDeps, key: Key, step: Step<T>): Promise<Outcome<T>> {
  // After a suspension the engine replaces the error of the step by its own.
  const suspended: Fault[] = []
  const onSuspend = (fault: Fault) => suspended.push(fault)
  try {
    return await DBOS.runStep(() => performOrSuspend(deps, key, step, onSuspend), { name: labelOf(key) })
  } catch (error) {
    for (const fault of suspended) throw fault
    // Another process owns the workflow, or has replaced this run; the result of this one does not count.
    const isGone =
      error instanceof DBOSWorkflowConflictError ||
      error instanceof EngineError.DBOSWorkflowCancelledError ||
      toFault(error).code === 'attempt_taken_over'
    if (isGone) return deps.leave(key, takenOver(key))
    throw error
  }
}

/** @throws {Fault} that of a suspension; the journal then keeps no outcome, so that the attempt is resumed at this step */
async function performOrSuspend<T>(
  deps: StepDeps,
  key: Key,
  step: Step<T>,
  onSuspend?: (fault: Fault) => void,
): Promise<Outcome<T>> {
  const outcome = await performStep(deps, key, step)
  if (outcome.ok || moveOf(outcome.fault) !== 'suspend') return outcome
  await suspend(deps, key, step, outcome)
  const fault = Fault.fromRecord(outcome.fault)
  onSuspend?.(fault)
  throw fault
}

/**
 * Ends the journal before this step: a cancelled workflow keeps no outcome of the step it is in, and resuming it begins
 * with that step. It holds no process, queue or timer meanwhile.
 *
 * It comes before the suspension is recorded; in the other order it could cancel a run that was resumed meanwhile.
 */
async function suspend<T>(deps: StepDeps, key: Key, step: Step<T>, outcome: Outcome<T>): Promise<void> {
  await showEnd(deps, key, step, outcome)
  await retryWithPatience(stored(deps), () =>
    faultPoint('suspend', async () => {
      await holdAttempt(deps.db, key)
      await DBOS.cancelWorkflow(workflowId(key.workOrderId, key.attempt))
    }),
  )
}

async function performStep<T>(deps: StepDeps, key: Key, step: Step<T>): Promise<Outcome<T>> {
  const home = deps.homeId
  try {
    await retryWithPatience(stored(deps), () => faultPoint('begin_step', () => begin(deps, key, step)))
    const output = await observeStep(key, { ...deps, ...step }, () => repeatedly(deps, key, step))
    const failure = failureOf(step, output)
    // On a full disk a check says nothing about the change.
    if (failure !== null && !(await hasRoom(deps.config.home))) throw Fault.fromRecord(failure)
    return { home, ok: true, output }
  } catch (thrown) {
    // The process is about to end: nothing is recorded, and the next start runs this step again.
    if (deps.drain.over.aborted) return deps.drain.park(key.workOrderId)
    const fault = await namedByDisk(
      deps.config.home,
      namedFault(deps.signal.aborted ? deps.signal.reason : thrown),
      deps.clock.now(),
    )
    if (NEXT_MOVE[fault.code] === 'leave') return deps.leave(key, fault)
    return { home, ok: false, fault: fault.toRecord() }
  }
}

function failureOf<T>(step: Step<T>, output: T): FaultRecord | null {
  return step.failureOf === undefined ? null : step.failureOf(output)
}

async function showEnd<T>(deps: StepDeps, key: Key, step: Step<T>, outcome: Outcome<T>): Promise<void> {
  const failure = outcome.ok ? failureOf(step, outcome.output) : outcome.fault
  const shown = {
    output: outcome.ok ? deps.sanitize(outcome.output) : undefined,
    failure: failure === null ? null : shownFault(failure, deps),
  }
  try {
    const store = () => faultPoint('end_step', () => endStep(deps.db, { ...key, label: labelOf(key) }, shown))
    await retryWithPatience(stored(deps), store)
  } catch (error) {
    if (toFault(error).code === 'attempt_taken_over') return deps.leave(key, toFault(error))
    if (deps.drain.over.aborted) return deps.drain.park(key.workOrderId)
    throw error
  }
}

/** Writes are repeated while the database is away, also after a cancellation; not when the process ends. */
function stored({ clock, drain }: StepDeps): Patience {
  return { clock, signal: drain.over, isWorthRepeating: (fault) => fault.code === 'database_unreachable' }
}

function repeatedly<T>({ db, clock, log, signal, drain }: StepDeps, key: Key, step: Step<T>): Promise<T> {
  const say = (message: string) => recordEvent(db, { ...eventKey(key), type: 'step_repeated', message })
  return retryWithPatience(
    {
      clock,
      // When the process ends, a step that cannot be stopped is not waited for either.
      signal: AbortSignal.any([signal, drain.over]),
      isWorthRepeating: (fault) => isWorthRepeating(step.name, fault),
      // The note itself fails when the database is the reason for the pause.
      onPause: (fault, pauseMs) =>
        say(`${fault.message} Trying again in ${pauseMs / 1000}s.`).catch((error: unknown) =>
          log.warn({ reason: reasonOf(error), code: fault.code }, 'a step is tried again'),
        ),
    },
    async () => {
      signal.throwIfAborted()
      return step.run()
    },
  )
}

/**
 * Model calls have been repeated already (models/), and GitHub's rate limit has been waited for as long as that
 * helps (forge/github/). Recording is repeated after every fault, and publishing after an unnamed one:
 * its branch or pull request may exist, and only another look finds it.
 */
function isWorthRepeating(name: StepName, { code }: Fault): boolean {
  if (NEXT_MOVE[code] === 'leave') return false
  if (name === 'record' || (name === 'publish' && code === 'internal')) return true
  return NEXT_MOVE[code] === 'retry' && !code.startsWith('model_') && code !== 'github_rate_limited'
}

function begin<T>({ db, homeId, sanitize }: StepDeps, key: Key, step: Step<T>): Promise<void> {
  const how = { input: sanitize(step.input), phase: STEPS[key.name].phase, homeId }
  return beginStep(db, { ...key, label: labelOf(key) }, how)
}

function eventKey({ workOrderId, attempt, name }: Key) {
  return { workOrderId, attempt, step: name }
}

/** The name of a try in the log; the first try has the name of its step. */
function labelOf({ name, try: number }: Key): string {
  return number === 1 ? name : `${name}, try ${number}`
}

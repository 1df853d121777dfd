import { DBOS, DBOSWorkflowConflictError, Error as EngineError } from '@dbos-inc/dbos-sdk'
import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { beginStep, endStep, type StepKey } from '../db/attempts/attempt-steps.ts'
import type { AttemptRun } from '../db/attempts/attempts.ts'
import { holdAttempt, takenOver } from '../db/attempts/hold-attempt.ts'
import { namedFault, reasonOf } from '../db/database-fault.ts'
import { recordEvent } from '../db/events/events.ts'
import type { Database } from '../db/schema.ts'
import { Fault, type FaultRecord, NEXT_MOVE, toFault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { Log } from '../log.ts'
import { type Sanitize, shownFault } from '../redaction/sanitize-output.ts'
import { observeStep } from '../telemetry/observe-attempt.ts'
import { workflowId } from '../work-order/naming.ts'
import type { Phase } from '../work-order/status.ts'
import { hasRoom, namedByDisk } from './disk-room.ts'
import type { Drain } from './drain.ts'
import type { StepName } from './end-of-attempt.ts'
import type { Outcome } from './journal.ts'
import { type Patience, retryWithPatience } from './patience.ts'

const PHASE: Record<StepName, Phase | null> = {
  route: 'routing',
  propose: 'proposing',
  apply: 'applying',
  verify: 'verifying',
  publish: 'publishing',
  record: null,
}

export type Step<T> = {
  name: StepName
  /** Shown with the step; what matters of what went in. */
  input: unknown
  run: () => Promise<T>
  /** For a step whose output is kept and returned although it speaks against going on: the step shows as failed. */
  failureOf?: (output: T) => FaultRecord | null
}

/** Runs a step of an attempt. @throws {Fault} what ended the step */
export type Run = <T>(step: Step<T>) => Promise<T>

/** A step of an attempt, and which try of it. */
type Key = StepKey & AttemptRun & { name: StepName }

export type StepDeps = {
  db: Kysely<Database>
  clock: Clock
  log: Log
  drain: Drain
  signal: AbortSignal
  /** What this home is called. */
  homeId: string
  config: Pick<Config, 'home'>
  /** Lets go of a run that another process carries out now. Never resolves. */
  leave: (run: AttemptRun, fault: Fault) => Promise<never>
  /** Makes what is shown fit for storing: without secrets and without what Postgres cannot hold. */
  sanitize: Sanitize
}

/**
 * Runs one step exactly once as far as its result goes: the engine keeps the outcome and does not run the step again
 * after a crash. What it keeps is what the step gave, to the byte; input, output, times, cost and error are kept beside
 * for display only, redacted, and written after the engine's checkpoint, so that a step shown as ended never runs again.
 * `record` has no checkpoint: it is one transaction that changes nothing when it is repeated.
 *
 * @throws {Fault} what ended the step, or suspended it
 */
export async function durableStep<T>(deps: StepDeps, key: Key, step: Step<T>): Promise<T> {
  if (deps.drain.requested) await deps.drain.park(key.workOrderId)
  const outcome = await (key.name === 'record' ? performOrSuspend : checkpointed)(deps, key, step)
  // Idempotent: a replay makes good what a crash since the checkpoint has left out.
  await showEnd(deps, key, step, outcome)
  if (deps.drain.requested) await deps.drain.park(key.workOrderId)
  if (!outcome.ok) throw Fault.fromRecord(outcome.fault)
  return outcome.output
}

async function checkpointed<T>(deps: StepDeps, key: Key, step: Step<T>): Promise<Outcome<T>> {
  // After a suspension the engine answers for the step with an error of its own.
  const suspended: Fault[] = []
  const onSuspend = (fault: Fault) => suspended.push(fault)
  try {
    return await DBOS.runStep(() => performOrSuspend(deps, key, step, onSuspend), { name: labelOf(key) })
  } catch (error) {
    for (const fault of suspended) throw fault
    // Another process has the workflow, or has replaced it by another run; what happens here does not count any more.
    const isGone =
      error instanceof DBOSWorkflowConflictError ||
      error instanceof EngineError.DBOSWorkflowCancelledError ||
      toFault(error).code === 'attempt_taken_over'
    if (isGone) return deps.leave(key, takenOver(key))
    throw error
  }
}

/** @throws {Fault} that of a suspension: no outcome is kept then, so that the attempt goes on at this very step */
async function performOrSuspend<T>(
  deps: StepDeps,
  key: Key,
  step: Step<T>,
  onSuspend?: (fault: Fault) => void,
): Promise<Outcome<T>> {
  const outcome = await performStep(deps, key, step)
  if (outcome.ok || NEXT_MOVE[outcome.fault.code] !== 'suspend') return outcome
  await suspend(deps, key, step, outcome)
  const fault = Fault.fromRecord(outcome.fault)
  onSuspend?.(fault)
  throw fault
}

/**
 * Ends the journal before this step: a cancelled workflow keeps no outcome of the step it is in, and resuming it begins
 * with that step. It holds no process, queue or timer meanwhile.
 *
 * Before the suspension is recorded: the other way round, a run that has been resumed meanwhile could be cancelled.
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
    // The process is about to go: nothing is recorded, and the next start runs this step again.
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
    failure: failure === null ? null : shownFault(failure, deps.sanitize),
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

/** What is stored is tried again while the database is away, whoever wants to stop the step; not when the process goes. */
function stored({ clock, drain }: StepDeps): Patience {
  return { clock, signal: drain.over, isWorthRepeating: (fault) => fault.code === 'database_unreachable' }
}

function repeatedly<T>({ db, clock, log, signal, drain }: StepDeps, key: Key, step: Step<T>): Promise<T> {
  const say = (message: string) => recordEvent(db, { ...eventKey(key), type: 'step_repeated', message })
  return retryWithPatience(
    {
      clock,
      // What nothing may stop is not waited for either when the process goes.
      signal: AbortSignal.any([signal, drain.over]),
      isWorthRepeating: (fault) => isWorthRepeating(step.name, fault),
      // The reason for the pause may be that nothing can be stored.
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
 * Calls to a model have repeated themselves already (models/), and a limit of GitHub has been waited for as long as that
 * is any use (forge/github/). Recording is tried again whatever went wrong, and so is publishing after what nobody can
 * name: a branch or a pull request may be there all the same, and only looking again finds it.
 */
function isWorthRepeating(name: StepName, { code }: Fault): boolean {
  if (NEXT_MOVE[code] === 'leave') return false
  if (name === 'record' || (name === 'publish' && code === 'internal')) return true
  return NEXT_MOVE[code] === 'retry' && !code.startsWith('model_') && code !== 'github_rate_limited'
}

function begin<T>({ db, homeId, sanitize }: StepDeps, key: Key, step: Step<T>): Promise<void> {
  const how = { input: sanitize(step.input), phase: PHASE[key.name], homeId }
  return beginStep(db, { ...key, label: labelOf(key) }, how)
}

function eventKey({ workOrderId, attempt, name }: Key) {
  return { workOrderId, attempt, step: name }
}

/** What a try is called in the log: the first by its step alone. */
function labelOf({ name, try: number }: Key): string {
  return number === 1 ? name : `${name}, try ${number}`
}

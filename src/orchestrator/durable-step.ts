import { DBOS, DBOSWorkflowConflictError, Error as EngineError } from '@dbos-inc/dbos-sdk'
import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { beginStep, endedStep, endStep, forgetElsewhere, hasSucceeded, type StepKey } from '../db/attempt-steps.ts'
import type { AttemptRun } from '../db/attempts.ts'
import { namedFault, reasonOf } from '../db/database-fault.ts'
import { recordEvent } from '../db/events.ts'
import { takenOver, whileHeld } from '../db/hold-attempt.ts'
import type { Database } from '../db/schema.ts'
import { effect } from '../effect.ts'
import { Fault, type FaultRecord, NEXT_MOVE, toFault } from '../errors.ts'
import type { Log } from '../log.ts'
import type { StepName } from '../results/end-of-attempt.ts'
import { observeStep } from '../telemetry/observe-attempt.ts'
import type { Phase } from '../work-order/status.ts'
import type { Clean } from './clean.ts'
import { hasRoom, namedByDisk } from './disk-room.ts'
import type { Drain } from './drain.ts'
import { type Patience, patiently } from './patience.ts'

const PHASE: Record<StepName, Phase | null> = {
  route: 'routing',
  propose: 'proposing',
  apply: 'applying',
  verify: 'verifying',
  publish: 'publishing',
  record: null,
}

/** Steps whose result is more than what is stored: a commit in the mirror of the home where they were made. */
const IN_THE_MIRROR: ReadonlySet<StepName> = new Set(['apply', 'verify'])

/** What the engine keeps of a step. A fault is a result, so that it survives a crash as it was. */
type Outcome<T> = { ok: true; output: T } | { ok: false; fault: FaultRecord }

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
  executorId: string
  config: Pick<Config, 'home'>
  /** Lets go of a run that another process carries out now. Never resolves. */
  leave: (run: AttemptRun, fault: Fault) => Promise<never>
  /** Makes an output fit for storing: without secrets and without what Postgres cannot hold. */
  clean: Clean
}

/**
 * Runs one step exactly once as far as its result goes: the engine keeps the outcome and does not run the step again
 * after a crash. Its input, output, times, cost and error are kept beside, to be shown.
 *
 * @throws {Fault} what ended the step
 */
export async function durableStep<T>(deps: StepDeps, key: Key, step: Step<T>): Promise<T> {
  if (deps.drain.requested) await deps.drain.park(key.workOrderId)
  const outcome = await DBOS.runStep(() => performStep(deps, key, step), { name: labelOf(key) }).catch(
    async (error) => {
      // Another process has the workflow, or has replaced it by another run; what happens here does not count any more.
      const isGone =
        error instanceof DBOSWorkflowConflictError || error instanceof EngineError.DBOSWorkflowCancelledError
      if (isGone) return deps.leave(key, takenOver(key))
      throw error
    },
  )
  if (deps.drain.requested) await deps.drain.park(key.workOrderId)
  if (!outcome.ok) throw Fault.fromRecord(outcome.fault)
  return outcome.output
}

async function performStep<T>(deps: StepDeps, key: Key, step: Step<T>): Promise<Outcome<T>> {
  try {
    const before = await patiently(stored(deps), () => effect('begin_step', () => beginUnlessEnded(deps, key, step)))
    if (before !== null) return before
    const output = deps.clean(await observeStep(key, { ...deps, ...step }, () => repeatedly(deps, key, step)))
    const failure = step.failureOf === undefined ? null : step.failureOf(output)
    // On a full disk a check says nothing about the change.
    if (failure !== null && !(await hasRoom(deps.config.home))) throw Fault.fromRecord(failure)
    await patiently(stored(deps), () => effect('end_step', () => end(deps, key, { output, failure })))
    return { ok: true, output }
  } catch (thrown) {
    // The process is about to go: nothing is recorded, and the next start runs this step again.
    if (deps.drain.over.aborted) return deps.drain.park(key.workOrderId)
    const fault = await namedByDisk(
      deps.config.home,
      namedFault(deps.signal.aborted ? deps.signal.reason : thrown),
      deps.clock.now(),
    )
    return NEXT_MOVE[fault.code] === 'leave' ? deps.leave(key, fault) : endFailed(deps, key, fault)
  }
}

async function endFailed<T>(deps: StepDeps, key: Key, thrown: Fault): Promise<Outcome<T>> {
  const fault = deps.clean(thrown.toRecord())
  try {
    await patiently(stored(deps), () => end(deps, key, { output: undefined, failure: fault }))
  } catch (error) {
    if (toFault(error).code === 'attempt_taken_over') return deps.leave(key, toFault(error))
    if (deps.drain.over.aborted) return deps.drain.park(key.workOrderId)
    throw error
  }
  return { ok: false, fault }
}

/** What is stored is tried again while the database is away, whoever wants to stop the step; not when the process goes. */
function stored({ clock, drain }: StepDeps): Patience {
  return { clock, signal: drain.over, isWorthRepeating: (fault) => fault.code === 'database_unreachable' }
}

/**
 * @returns the end a killed process had recorded without the engine having kept it: what was paid for is not paid again.
 *   Null: the step has begun
 */
async function beginUnlessEnded<T>(deps: StepDeps, key: Key, step: Step<T>): Promise<Outcome<T> | null> {
  // It is safe to repeat, and begins anew.
  const again = key.name === 'record'
  if (await begin(deps, key, step, again)) return null
  const before = await outcomeBefore<T>(deps, key)
  if (before === null) await begin(deps, key, step, true)
  return before
}

/** How a step has ended; null: where its commit lies in another home, it begins anew. */
async function outcomeBefore<T>({ db, executorId }: StepDeps, key: Key): Promise<Outcome<T> | null> {
  const ended = await endedStep(db, key)
  if (ended === null) return null
  const isElsewhere = IN_THE_MIRROR.has(key.name) && ended.executorId !== executorId
  // What is published needs no commit here any more, and no second judgement.
  if (isElsewhere && !(await hasSucceeded(db, key, 'publish'))) return null
  const { output, error } = ended
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `run` gave, kept as JSON as the engine keeps it
  if (output !== null) return { ok: true, output: output as T }
  return error === null ? null : { ok: false, fault: error }
}

function repeatedly<T>({ db, clock, log, signal, drain }: StepDeps, key: Key, step: Step<T>): Promise<T> {
  const say = (message: string) => recordEvent(db, { ...eventKey(key), type: 'step_repeated', message })
  return patiently(
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
  if (name === 'record' || (name === 'publish' && code === 'internal')) return true
  return NEXT_MOVE[code] === 'retry' && !code.startsWith('model_') && code !== 'github_rate_limited'
}

async function begin<T>({ db, executorId }: StepDeps, key: Key, { input }: Step<T>, again: boolean): Promise<boolean> {
  const how = { input, phase: PHASE[key.name], executorId, again }
  const begun = await beginStep(db, { ...key, label: labelOf(key) }, how)
  // Another run of the attempt may have been another home's.
  if (begun && key.name === 'apply' && key.resumed > 0) {
    const elsewhere = { names: [...IN_THE_MIRROR], executorId }
    await whileHeld(db, key, (transaction) => forgetElsewhere(transaction, key, elsewhere))
  }
  return begun
}

function end({ db }: StepDeps, key: Key, how: Parameters<typeof endStep>[2]): Promise<void> {
  return endStep(db, { ...key, label: labelOf(key) }, how)
}

function eventKey({ workOrderId, attempt, name }: Key) {
  return { workOrderId, attempt, step: name }
}

/** What a try is called in the log: the first by its step alone. */
function labelOf({ name, try: number }: Key): string {
  return number === 1 ? name : `${name}, try ${number}`
}

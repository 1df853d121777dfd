import { AsyncLocalStorage } from 'node:async_hooks'
import { hasRoom } from '../attempt/disk-room.ts'
import type { Dispatching } from '../attempt/dispatched-runs.ts'
import type { Drain } from '../attempt/drain.ts'
import type { Engine } from '../attempt/engine.ts'
import { PIPELINE_REVISION } from '../attempt/pipeline-revision.ts'
import type { RunningAttempts } from '../attempt/running-attempts.ts'
import type { WorkflowDeps } from '../attempt/workflow.ts'
import { type AttemptRun, findAttempt, ordersWithoutAttempt } from '../db/attempts/attempts.ts'
import { heldRun, runAgain, takenOver } from '../db/attempts/hold-attempt.ts'
import { untilDatabaseAnswers } from '../db/until-database-answers.ts'
import { moveWorkOrder } from '../db/work-orders/work-orders.ts'
import { Fault, type FaultRecord } from '../faults/fault.ts'
import { createPublishedSanitizer, createSanitizer } from '../redaction/sanitize-output.ts'
import { interruptObserved } from '../telemetry/observe.ts'
import { noteEnd, observeAttempts } from '../telemetry/observe-attempt.ts'
import type { FleetDeps } from './fleet-deps.ts'
import { createHeartbeat } from './heartbeat.ts'
import { createRunStarts, type RunStarts } from './run-starts.ts'
import { takeOver } from './take-over.ts'

export type AttemptStarter = AsyncDisposable &
  Pick<RunStarts, 'start' | 'startClaimed'> & {
    /** Launches the engine at the first call: what an earlier process left is taken up then. */
    launch(): Promise<void>
    /** Takes over the attempts of dead workers, and ends those that no worker can continue. */
    takeOver(): Promise<void>
  }

export type StarterOptions = {
  drain: Drain
  running: RunningAttempts
  /** An attempt of this process has ended. */
  onEnd: () => void
  /** A dead worker has left an attempt. */
  onLeftBehind: () => void
  /** An attempt could not be started; the others are. */
  onError: (error: unknown) => void
}

/** Starts claimed attempts in the engine, which is launched when the first one is. */
export function createAttemptStarter(deps: FleetDeps, options: StarterOptions): AttemptStarter {
  const { running, onEnd, onLeftBehind, onError } = options
  const { db, homeId, config } = deps
  const runner = { homeId, revision: PIPELINE_REVISION, leaseMs: config.leaseMs }
  // What starts when an attempt ends is no part of that attempt's trace.
  const outside = AsyncLocalStorage.snapshot()
  // A service that claims no orders looks for work only at these moments.
  const startLeft = () => void starts.startClaimed([]).catch(onError)
  const onRunEnd = (run: AttemptRun, fault: FaultRecord | null) => {
    running.ended(run, fault)
    noteEnd(fault)
    outside(() => {
      onEnd()
      if (starts.isHoldingBack) startLeft()
    })
  }
  const onRelinquished = () =>
    outside(() => {
      onEnd()
      // The engine may have been told by mistake to run the attempt elsewhere.
      startLeft()
    })
  const heartbeat = createHeartbeat({
    ...deps,
    runner,
    running,
    onLeftBehind,
    onReplaced: () => starts.startClaimed([]),
  })
  const engine = openedOnce(async () => {
    await deps.own()
    await heartbeat.start()
    const leave = (run: AttemptRun, fault: Fault) =>
      relinquish({ ...deps, ...options, engine: engine.opened, onRelinquished }, run, fault)
    return openEngine(deps, options, { leave, onEnd: onRunEnd })
  })
  const starts = createRunStarts({ ...deps, launched: engine.opened, running, ended: onRunEnd, onError })

  return {
    async launch() {
      await engine.opened()
      await starts.startClaimed([])
      await failOrphans(deps)
    },
    start: starts.start,
    async takeOver() {
      if ((await hasRoom(config.home)) && (await takeOver(db, runner))) await starts.startClaimed([])
    },
    startClaimed: starts.startClaimed,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]()
      await heartbeat[Symbol.asyncDispose]()
    },
  }
}

/** Loads and launches the engine with the workflow of an attempt. Loaded only here: most commands need neither. */
async function openEngine(
  deps: FleetDeps,
  { drain, running }: StarterOptions,
  { leave, onEnd }: Pick<WorkflowDeps, 'leave' | 'onEnd'>,
): Promise<Engine> {
  const { db, config } = deps
  const [{ launchEngine }, { attemptWorkflow }] = await Promise.all([
    import('../attempt/engine.ts'),
    import('../attempt/workflow.ts'),
  ])
  const sanitizers = { sanitize: createSanitizer(config), published: createPublishedSanitizer(config) }
  const workflow = attemptWorkflow({ ...deps, ...sanitizers, drain, begin: running.begin, leave, onEnd })
  const again = async (run: AttemptRun) => {
    const next = await runAgain(db, run)
    running.abort(run, takenOver(run))
    return next
  }
  // The engine would end a workflow that it cannot ask for, and nothing would be recorded.
  const ours: Dispatching['ours'] = (key) => untilDatabaseAnswers(deps, () => heldRun(db, key))
  return launchEngine({ ...deps, ours, again, workflow: observeAttempts(workflow) })
}

/** Opens at the first call; after a failure the next call tries again. Disposing it twice does nothing more. */
function openedOnce(open: () => Promise<Engine>): { opened: () => Promise<Engine> } & AsyncDisposable {
  let engine: Promise<Engine> | null = null
  return {
    opened() {
      engine ??= open().catch((error: unknown) => {
        engine = null
        throw error
      })
      return engine
    },
    async [Symbol.asyncDispose]() {
      const opened = engine
      engine = null
      if (opened !== null) await (await opened)[Symbol.asyncDispose]()
    },
  }
}

type RelinquishDeps = FleetDeps &
  StarterOptions & {
    engine: () => Promise<Engine>
    /** The run is given up here; a later run of its attempt may have waited for that. */
    onRelinquished: () => void
  }

/** Gives up a run that another process carries out now. Never resolves: the engine would take it for ended. */
async function relinquish(deps: RelinquishDeps, run: AttemptRun, fault: Fault): Promise<never> {
  const { running, engine, log, onRelinquished, onError } = deps
  await discardForeign(deps, run).catch(onError)
  log.warn({ ...run, reason: fault.message }, 'an attempt is given up')
  ;(await engine()).relinquish(run)
  running.lost(run, fault)
  interruptObserved()
  onRelinquished()
  return new Promise<never>(() => undefined)
}

/** A run that continues in this home has the same workspace and discards it itself. */
async function discardForeign({ db, homeId, adapters }: FleetDeps, run: AttemptRun): Promise<void> {
  const { executor_id: owner } = await findAttempt(db, run)
  if (owner !== homeId) await adapters.workspaces.discard(run.workOrderId, run.attempt)
}

/** Fails orders whose running attempt has no row any more; nothing else would end them. */
async function failOrphans({ db }: FleetDeps): Promise<void> {
  const reason = new Fault('internal', 'The record of the running attempt is gone. Retry the order.').toRecord()
  for (const id of await ordersWithoutAttempt(db)) {
    await moveWorkOrder(db, id, { from: ['in_progress'], to: 'failed', reason })
  }
}

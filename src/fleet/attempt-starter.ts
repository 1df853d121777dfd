import { AsyncLocalStorage } from 'node:async_hooks'
import { hasRoom } from '../attempt/disk-room.ts'
import type { Drain } from '../attempt/drain.ts'
import { PIPELINE_REVISION } from '../attempt/pipeline-revision.ts'
import type { RunningAttempts } from '../attempt/running-attempts.ts'
import { type AttemptRun, ordersWithoutAttempt } from '../db/attempts/attempts.ts'
import { heldRun, runAgain, takenOver } from '../db/attempts/hold-attempt.ts'
import { moveWorkOrder } from '../db/work-orders/work-orders.ts'
import { Fault } from '../faults/fault.ts'
import { createPublishedSanitizer, createSanitizer } from '../redaction/sanitize-output.ts'
import { noteEnd, observeAttempts } from '../telemetry/observe-attempt.ts'
import type { FleetDeps } from './fleet-deps.ts'
import { createHeartbeat } from './heartbeat.ts'
import { createLazyEngine } from './lazy-engine.ts'
import { createRelinquish } from './relinquish.ts'
import { createRunStarts, type RunStarts } from './run-starts.ts'
import { takeOver } from './take-over.ts'

export type AttemptStarter = AsyncDisposable &
  Pick<RunStarts, 'start' | 'startClaimed'> & {
    /** Launches the engine at the first call: what an earlier process left is taken up then. */
    launch(): Promise<void>
    /** Takes over what workers that are gone have left, and ends what nobody can go on with. */
    takeOver(): Promise<void>
  }

export type StarterOptions = {
  drain: Drain
  running: RunningAttempts
  /** An attempt of this process has ended. */
  onEnd: () => void
  /** A worker that is gone has left something. */
  onLeftBehind: () => void
  /** One attempt that cannot be started is in nobody's way. */
  onError: (error: unknown) => void
}

/** Brings claimed attempts to the engine. */
export function createAttemptStarter(deps: FleetDeps, options: StarterOptions): AttemptStarter {
  const { drain, running, onEnd, onLeftBehind, onError } = options
  const { db, homeId, config } = deps
  const runner = { homeId, revision: PIPELINE_REVISION, leaseMs: config.leaseMs }
  // What the end of an attempt sets going is no part of the attempt.
  const outside = AsyncLocalStorage.snapshot()
  const ended = (...end: Parameters<RunningAttempts['ended']>) => {
    running.ended(...end)
    noteEnd(end[1])
    outside(() => {
      onEnd()
      // A service that takes no orders on looks only now.
      if (starts.isHoldingBack) starts.startClaimed([]).catch(onError)
    })
  }
  const onLetGo = () =>
    outside(() => {
      onEnd()
      // The engine may have been told by mistake to carry it out elsewhere; a service that takes no orders on looks only now.
      starts.startClaimed([]).catch(onError)
    })
  const leave = createRelinquish({ ...deps, running, engine: () => engine, onLetGo, onError })
  const sanitizers = { sanitize: createSanitizer(config), published: createPublishedSanitizer(config) }
  const heartbeat = createHeartbeat({
    ...deps,
    runner,
    running,
    onLeftBehind,
    onReplaced: () => starts.startClaimed([]),
  })
  const engine = createLazyEngine(async () => {
    await deps.own()
    await heartbeat.start()
    const again = async (run: AttemptRun) => {
      const next = await runAgain(db, run)
      running.abort(run, takenOver(run))
      return next
    }
    // Only here: a command that carries nothing out need not load the engine.
    const [{ launchEngine }, { attemptWorkflow }] = await Promise.all([
      import('../attempt/engine.ts'),
      import('../attempt/workflow.ts'),
    ])
    const workflow = attemptWorkflow({ ...deps, ...sanitizers, drain, begin: running.begin, leave, onEnd: ended })
    return launchEngine({ ...deps, ours: (key) => heldRun(db, key), again, workflow: observeAttempts(workflow) })
  })
  const starts = createRunStarts({ ...deps, engine, running, ended, onError })

  return {
    async launch() {
      await engine.launched()
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

/** Orders whose running attempt somebody has deleted would stand for ever. */
async function failOrphans({ db }: FleetDeps): Promise<void> {
  const reason = new Fault('internal', 'The record of the running attempt is gone. Retry the order.').toRecord()
  for (const id of await ordersWithoutAttempt(db)) {
    await moveWorkOrder(db, id, { from: ['in_progress'], to: 'failed', reason })
  }
}

import { AsyncLocalStorage } from 'node:async_hooks'
import { ordersWithoutAttempt } from '../db/attempts.ts'
import { moveWorkOrder } from '../db/work-orders.ts'
import { Fault } from '../errors.ts'
import { noteEnd, observeAttempts } from '../telemetry/observe-attempt.ts'
import { attemptWorkflow } from './attempt-workflow.ts'
import { createClean } from './clean.ts'
import { hasRoom } from './disk-room.ts'
import type { Drain } from './drain.ts'
import { launchEngine } from './engine.ts'
import { createHeartbeat } from './heartbeat.ts'
import { createLazyEngine } from './lazy-engine.ts'
import { createLetGo } from './let-go.ts'
import type { OrchestratorDeps } from './orchestrator-deps.ts'
import { PIPELINE_REVISION } from './pipeline-revision.ts'
import { createRunStarts, type RunStarts } from './run-starts.ts'
import type { RunningAttempts } from './running-attempts.ts'
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
export function createAttemptStarter(deps: OrchestratorDeps, options: StarterOptions): AttemptStarter {
  const { drain, running, onEnd, onLeftBehind, onError } = options
  const { db, executorId, config } = deps
  const runner = { executorId, revision: PIPELINE_REVISION, leaseMs: config.leaseMs }
  // What the end of an attempt sets going is no part of the attempt.
  const outside = AsyncLocalStorage.snapshot()
  const ended = (...end: Parameters<RunningAttempts['ended']>) => {
    running.ended(...end)
    noteEnd(end[1])
    outside(onEnd)
  }
  const onLetGo = () => outside(onEnd)
  const leave = createLetGo({ ...deps, engine: () => engine, running, onLetGo, onError })
  const clean = createClean(config)
  const workflow = attemptWorkflow({ ...deps, clean, drain, begin: running.begin, leave, onEnd: ended })
  const heartbeat = createHeartbeat({ ...deps, runner, running, onLeftBehind, onReplaced: (runs) => replace(runs) })
  const engine = createLazyEngine(async () => {
    await deps.own()
    await heartbeat.start()
    return launchEngine({ ...deps, workflow: observeAttempts(workflow) })
  })
  const { start, startClaimed, replace } = createRunStarts(deps, { engine, running, ended, onError })

  return {
    async launch() {
      await engine.launched()
      await startClaimed([])
      await failOrphans(deps)
    },
    start,
    async takeOver() {
      if (await hasRoom(config.home)) await replace(await takeOver(db, runner))
    },
    startClaimed,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]()
      await heartbeat[Symbol.asyncDispose]()
    },
  }
}

/** Orders whose running attempt somebody has deleted would stand for ever. */
async function failOrphans({ db }: OrchestratorDeps): Promise<void> {
  const reason = new Fault('internal', 'The record of the running attempt is gone. Retry the order.').toRecord()
  for (const id of await ordersWithoutAttempt(db)) {
    await moveWorkOrder(db, id, { from: ['in_progress'], to: 'failed', reason })
  }
}

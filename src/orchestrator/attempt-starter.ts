import { AsyncLocalStorage } from 'node:async_hooks'
import { type AttemptRun, findAttempt, ordersWithoutAttempt, runningAttempts } from '../db/attempts.ts'
import { moveWorkOrder } from '../db/work-orders.ts'
import { Fault } from '../errors.ts'
import { recordFailure } from '../results/record-failure.ts'
import { noteEnd, observeAttempts } from '../telemetry/observe-attempt.ts'
import { attemptWorkflow } from './attempt-workflow.ts'
import { createClean } from './clean.ts'
import type { Drain } from './drain.ts'
import { launchEngine } from './engine.ts'
import { createHeartbeat } from './heartbeat.ts'
import { createLazyEngine } from './lazy-engine.ts'
import { createLetGo } from './let-go.ts'
import type { OrchestratorDeps } from './orchestrator-deps.ts'
import { PIPELINE_REVISION } from './pipeline-revision.ts'
import type { RunningAttempts } from './running-attempts.ts'
import { stuckOn, takeOver } from './take-over.ts'

export type AttemptStarter = AsyncDisposable & {
  /** Launches the engine at the first call: what an earlier process left is taken up then. */
  launch(): Promise<void>
  /** Starts a claimed run of an attempt; to one that is under way already, nothing happens. */
  start(run: AttemptRun): Promise<void>
  /** Takes over what workers that are gone have left, and ends what nobody can go on with. */
  takeOver(): Promise<void>
  /** Starts what is claimed for this executor and does not run: just claimed or taken over, or lost between claim and start. */
  startClaimed(): Promise<void>
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

const NEVER_TAKEN_UP = 'The attempt cannot be taken up: the engine ended it without a record.'

/** Brings claimed attempts to the engine. */
export function createAttemptStarter(deps: OrchestratorDeps, options: StarterOptions): AttemptStarter {
  const { drain, running, onEnd, onLeftBehind, onError } = options
  const { db, executorId, adapters, config } = deps
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
  const heartbeat = createHeartbeat({ ...deps, runner, running, onLeftBehind })
  const engine = createLazyEngine(async () => {
    await deps.own()
    await heartbeat.start()
    return launchEngine({ ...deps, workflow: observeAttempts(workflow) })
  })

  async function start(run: AttemptRun): Promise<void> {
    const { start: startWorkflow } = await engine.launched()
    // The run before it may have been suspended this moment, and still have the attempt's workspace to remove.
    await running.othersEnded(run)
    if (await startWorkflow(run)) return
    const { revision } = await findAttempt(db, run)
    const isOurs = revision === null || revision === PIPELINE_REVISION
    const fault = (
      isOurs ? new Fault('internal', `${NEVER_TAKEN_UP} Retry the order.`) : stuckOn(revision, run)
    ).toRecord()
    await recordFailure(db, { ...run, evidence: {}, step: 'record', fault })
    await adapters.workspaces.discard(run.workOrderId, run.attempt)
    ended(run, fault)
  }

  async function startClaimed(): Promise<void> {
    const moving = new Set(running.ids())
    for (const run of await runningAttempts(db, executorId)) {
      if (!moving.has(run.workOrderId)) await start(run).catch(onError)
    }
  }

  return {
    async launch() {
      await engine.launched()
      await startClaimed()
      await failOrphans(deps)
    },
    start,
    async takeOver() {
      for (const { resumed, ...key } of await takeOver(db, runner)) {
        const { forget } = await engine.launched()
        // Its steps are fenced already; this keeps the engine from taking it up where it was begun.
        await forget({ ...key, resumed: resumed - 1 }).catch(onError)
      }
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

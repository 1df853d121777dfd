import { type AttemptRun, ordersWithoutAttempt, runningAttempts } from '../db/attempts.ts'
import { moveWorkOrder } from '../db/work-orders.ts'
import { Fault } from '../errors.ts'
import { recordFailure } from '../results/record-failure.ts'
import { attemptWorkflow } from './attempt-workflow.ts'
import { createClean } from './clean.ts'
import type { Drain } from './drain.ts'
import { launchEngine } from './engine.ts'
import { createLazyEngine } from './lazy-engine.ts'
import type { OrchestratorDeps } from './orchestrator-deps.ts'
import type { RunningAttempts } from './running-attempts.ts'

export type AttemptStarter = AsyncDisposable & {
  /** Launches the engine at the first call: what an earlier process left is taken up then. */
  launch(): Promise<void>
  /** Starts a claimed run of an attempt; to one that is under way already, nothing happens. */
  start(run: AttemptRun): Promise<void>
  /** Starts what is claimed for this executor and does not run: just claimed, or lost between claim and start. */
  startClaimed(): Promise<void>
}

export type StarterOptions = {
  drain: Drain
  running: RunningAttempts
  /** An attempt of this process has ended. */
  onEnd: () => void
  /** One attempt that cannot be started is in nobody's way. */
  onError: (error: unknown) => void
}

const NEVER_TAKEN_UP =
  'The attempt cannot be taken up: it ended without a record, or another version of Moose began it.'

/** Brings claimed attempts to the engine. */
export function createAttemptStarter(deps: OrchestratorDeps, options: StarterOptions): AttemptStarter {
  const { drain, running, onEnd, onError } = options
  const ended = (...end: Parameters<RunningAttempts['ended']>) => {
    running.ended(...end)
    onEnd()
  }
  const clean = createClean(deps.config)
  const workflow = attemptWorkflow({ ...deps, clean, drain, signalOf: running.signalOf, onEnd: ended })
  const engine = createLazyEngine(async () => {
    await deps.own()
    return launchEngine({ ...deps, workflow })
  })

  async function start(run: AttemptRun): Promise<void> {
    const { start: startWorkflow } = await engine.launched()
    // The run before it may have been suspended this moment, and still have the attempt's workspace to remove.
    await running.othersEnded(run)
    if (await startWorkflow(run)) return
    const fault = new Fault('internal', `${NEVER_TAKEN_UP} Retry the order.`).toRecord()
    await recordFailure(deps.db, { ...run, evidence: {}, step: 'record', fault })
    await deps.adapters.workspaces.discard(run.workOrderId, run.attempt)
    ended(run, fault)
  }

  async function startClaimed(): Promise<void> {
    const moving = new Set(running.ids())
    for (const run of await runningAttempts(deps.db, deps.executorId)) {
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
    startClaimed,
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  }
}

/** Orders whose running attempt somebody has deleted would stand for ever. */
async function failOrphans({ db }: OrchestratorDeps): Promise<void> {
  const reason = new Fault('internal', 'The record of the running attempt is gone. Retry the order.').toRecord()
  for (const id of await ordersWithoutAttempt(db)) {
    await moveWorkOrder(db, id, { from: ['in_progress'], to: 'failed', reason })
  }
}

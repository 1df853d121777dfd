import { type AttemptKey, ordersWithoutAttempt, runningAttempts } from '../db/attempts.ts'
import { moveWorkOrder } from '../db/work-orders.ts'
import { Fault } from '../errors.ts'
import { recordFailure } from '../results/record-failure.ts'
import { attemptWorkflow } from './attempt-workflow.ts'
import type { Drain } from './drain.ts'
import { type Engine, launchEngine } from './engine.ts'
import type { OrchestratorDeps } from './orchestrator-deps.ts'
import type { RunningAttempts } from './running-attempts.ts'

export type LazyEngine = AsyncDisposable & {
  /** Launches the engine at the first call: what an earlier process left is taken up then. */
  launch(): Promise<void>
  /** Starts a claimed attempt. */
  start(key: AttemptKey): Promise<void>
  /** Starts what is claimed for this executor and does not run: just claimed, or lost between claim and start. */
  startClaimed(): Promise<void>
}

/** Commands that only look need no engine; the first that runs something launches it. */
export function createLazyEngine(
  deps: OrchestratorDeps,
  { drain, running, onEnd }: { drain: Drain; running: RunningAttempts; onEnd: (key: AttemptKey) => void },
): LazyEngine {
  const workflow = attemptWorkflow({
    ...deps,
    drain,
    signalOf: running.signalOf,
    onEnd(key, fault) {
      running.ended(key, fault)
      onEnd(key)
    },
  })
  let engine: Promise<Engine> | null = null

  async function open(): Promise<Engine> {
    await deps.own()
    return launchEngine({ ...deps, workflow })
  }

  function launched(): Promise<Engine> {
    engine ??= open().catch((error: unknown) => {
      // The next call tries again, and there is nothing to dispose.
      engine = null
      throw error
    })
    return engine
  }

  async function start(key: AttemptKey): Promise<void> {
    const { start: startWorkflow } = await launched()
    if (await startWorkflow(key)) return
    const fault = new Fault(
      'internal',
      'The attempt cannot be taken up: it ended without a record, or another version of Moose began it. Retry it.',
    ).toRecord()
    await recordFailure(deps.db, { ...key, evidence: {}, step: 'record', fault })
    running.ended(key, fault)
  }

  async function startClaimed(): Promise<void> {
    const moving = new Set(running.ids())
    for (const key of await runningAttempts(deps.db, deps.executorId)) {
      if (!moving.has(key.workOrderId)) await start(key)
    }
  }

  async function failOrphans(): Promise<void> {
    const reason = new Fault('internal', 'The record of the running attempt is gone. Retry the order.').toRecord()
    for (const id of await ordersWithoutAttempt(deps.db)) {
      await moveWorkOrder(deps.db, id, { from: ['in_progress'], to: 'failed', reason })
    }
  }

  return {
    async launch() {
      await launched()
      await startClaimed()
      await failOrphans()
    },
    start,
    startClaimed,
    async [Symbol.asyncDispose]() {
      if (engine !== null) await (await engine)[Symbol.asyncDispose]()
    },
  }
}

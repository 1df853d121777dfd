import { claimOrders } from '../db/claim.ts'
import { readSettings } from '../db/system-config.ts'
import { findWorkOrder } from '../db/work-orders.ts'
import { Fault } from '../errors.ts'
import { assertWantedReady } from '../pipeline/choose-executor.ts'
import { cancelOrder, decidePullRequest, retryOrder } from './decisions.ts'
import { createDispatcher } from './dispatcher.ts'
import { createDrain, settle } from './drain.ts'
import { createErrorList } from './error-list.ts'
import { executeOrder } from './execute-order.ts'
import { createLazyEngine } from './lazy-engine.ts'
import type { Orchestrator } from './orchestrator.ts'
import type { OrchestratorDeps } from './orchestrator-deps.ts'
import { createRunningAttempts } from './running-attempts.ts'
import { readStatus } from './status.ts'

export type OrchestratorService = Orchestrator &
  AsyncDisposable & {
    /** Takes up what an earlier process left; done by the first start or execute otherwise. */
    launch(): Promise<void>
    /** Another process runs this home now: nothing more is claimed, and what runs here is left to it. */
    abandon(): void
    /** A notification said that there may be something to claim. */
    wake(): void
    /** A notification said that an order was cancelled. */
    stopAttempt(workOrderId: string): void
  }

/** Wires dispatcher, engine and running attempts into the service the API and the CLI see. */
export function createOrchestrator(deps: OrchestratorDeps): OrchestratorService {
  const { db, adapters, config, clock } = deps
  const parts = { db, forges: adapters.forges }
  const running = createRunningAttempts()
  const errors = createErrorList(deps)
  const drain = createDrain()
  const claim = (maxConcurrent: number, only: string | null) =>
    claimOrders(db, { maxConcurrent, executorId: deps.executorId, only })
  const settings = () => readSettings(db, config)
  const engine = createLazyEngine(deps, {
    drain,
    running,
    onEnd: () => dispatcher.wake(),
  })
  const dispatcher = createDispatcher({
    readSettings: settings,
    async claimAndStart(maxConcurrent) {
      errors.addRefused(await claim(maxConcurrent, null))
      await engine.startClaimed()
    },
    onError: errors.add,
    now: clock.now,
  })

  return {
    launch: engine.launch,
    async start(intervalMs) {
      await assertWantedReady(adapters.executors)
      await engine.launch()
      return dispatcher.start(intervalMs)
    },
    stop: dispatcher.stop,
    wake: dispatcher.wake,
    status: () => readStatus({ ...deps, dispatcher, running, errors: errors.list() }),
    async execute(idOrPrefix, signal) {
      const order = await findWorkOrder(db, idOrPrefix)
      await engine.launch()
      const claimIt = async () => claim((await settings()).maxConcurrent, order.id)
      return executeOrder({ db, claim: claimIt, start: engine.start, running, signal }, order.id)
    },
    cancel: async (idOrPrefix) => running.cancel(await cancelOrder(parts, idOrPrefix)),
    stopAttempt: running.cancel,
    retry: (idOrPrefix) => retryOrder(parts, idOrPrefix),
    merge: (idOrPrefix) => decidePullRequest(parts, idOrPrefix, 'merge'),
    close: (idOrPrefix) => decidePullRequest(parts, idOrPrefix, 'close'),
    drain(graceMs) {
      dispatcher.stop()
      return settle(drain, running, clock, graceMs)
    },
    abandon() {
      errors.add(new Fault('home_owned', 'This process has lost its home to another. Start it again.'))
      dispatcher.stop()
      settle(drain, running, clock, 0).catch(errors.add)
    },
    async [Symbol.asyncDispose]() {
      dispatcher.stop()
      await settle(drain, running, clock, 0)
      await engine[Symbol.asyncDispose]()
    },
  }
}

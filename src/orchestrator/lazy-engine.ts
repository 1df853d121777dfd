import { type AttemptKey, runningAttempts } from '../db/attempts.ts'
import { attemptWorkflow } from './attempt-workflow.ts'
import type { Drain } from './drain.ts'
import { type Engine, launchEngine } from './engine.ts'
import type { OrchestratorDeps } from './orchestrator-deps.ts'
import type { RunningAttempts } from './running-attempts.ts'

export type LazyEngine = AsyncDisposable & {
  /** The engine, launched at the first call: what an earlier process left is taken up then. */
  launched(): Promise<Engine>
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

  async function launch(): Promise<Engine> {
    await deps.own()
    const opened = await launchEngine({ ...deps, workflow })
    for (const key of await runningAttempts(deps.db, deps.executorId)) await opened.start(key)
    return opened
  }

  return {
    launched() {
      engine ??= launch()
      return engine
    },
    async [Symbol.asyncDispose]() {
      if (engine !== null) await (await engine)[Symbol.asyncDispose]()
    },
  }
}

import type { RunningAttempts } from '../attempt/running-attempts.ts'
import { type AttemptRun, findAttempt } from '../db/attempts/attempts.ts'
import type { Fault } from '../faults/fault.ts'
import { interruptObserved } from '../telemetry/observe.ts'
import type { FleetDeps } from './fleet-deps.ts'
import type { LazyEngine } from './lazy-engine.ts'

export type RelinquishDeps = FleetDeps & {
  running: RunningAttempts
  /** Asked for when a run is let go of. */
  engine: () => LazyEngine
  /** A run is let go of; a later one of its attempt may have waited for that. */
  onLetGo: () => void
  onError: (error: unknown) => void
}

/** Lets go of a run that another process carries out now. Never resolves: the engine must not take it for ended. */
export function createRelinquish(deps: RelinquishDeps): (run: AttemptRun, fault: Fault) => Promise<never> {
  const { running, engine, log, onLetGo, onError } = deps
  return async (run, fault) => {
    await putAway(deps, run).catch(onError)
    log.warn({ ...run, reason: fault.message }, 'an attempt is let go of')
    ;(await engine().launched()).relinquish(run)
    running.lost(run, fault)
    interruptObserved()
    onLetGo()
    return new Promise<never>(() => undefined)
  }
}

async function putAway({ db, homeId, adapters }: RelinquishDeps, run: AttemptRun): Promise<void> {
  const { executor_id: owner } = await findAttempt(db, run)
  // What goes on in this home has the same workspace, and puts it away itself.
  if (owner !== homeId) await adapters.workspaces.discard(run.workOrderId, run.attempt)
}

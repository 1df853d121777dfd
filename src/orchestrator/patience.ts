import type { Clock } from '../clock.ts'
import { isConnectionLoss, reasonOf } from '../db/database-fault.ts'
import { Fault, toFault } from '../errors.ts'

/** Pauses before something is tried again that failed for an outside reason that should pass. */
const PAUSES_MS = [1_000, 5_000, 15_000]

export type Patience = {
  clock: Clock
  /** Ends the waiting. */
  signal: AbortSignal
  isWorthRepeating: (fault: Fault) => boolean
  /** Told before each pause. */
  onPause?: (fault: Fault, pauseMs: number) => Promise<void>
}

/** Runs something until it works, fails for good, or has failed once after every pause. @throws {Fault} */
export async function patiently<T>({ clock, signal, isWorthRepeating, onPause }: Patience, run: () => Promise<T>) {
  for (const pauseMs of PAUSES_MS) {
    try {
      signal.throwIfAborted()
      return await run()
    } catch (thrown) {
      const fault = named(thrown)
      if (signal.aborted || !isWorthRepeating(fault)) throw fault
      if (onPause !== undefined) await onPause(fault, pauseMs)
      await clock.sleep(pauseMs, signal)
    }
  }
  return run()
}

/** A fault whose cause is that the database was away; `pg` does not say so in one way. */
export function named(thrown: unknown): Fault {
  if (!isConnectionLoss(thrown)) return toFault(thrown)
  return new Fault('database_unreachable', `The database went away: ${reasonOf(thrown)}.`, {}, thrown)
}

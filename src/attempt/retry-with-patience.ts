import { retry } from '../async/retry.ts'
import type { Clock } from '../clock.ts'
import { namedFault } from '../db/database-fault.ts'
import type { Fault } from '../faults/fault.ts'

/** Pauses before a retry after a transient fault from outside. */
const PAUSES_MS = [1_000, 5_000, 15_000] as const
/** Pauses after a database fault: usually one connection broke and the next succeeds. The last pause is repeated. */
const PAUSES_OF_DATABASE_MS = [200, 1_000, 5_000, 15_000] as const

export type Patience = {
  clock: Clock
  /** Ends the waiting; what is under way ends by itself. */
  signal: AbortSignal
  isWorthRepeating: (fault: Fault) => boolean
  /** Told before each pause. */
  onPause?: (fault: Fault, pauseMs: number) => Promise<void>
}

/**
 * Runs something until it works, fails for good, or has failed once after every pause. The database is waited for as
 * long as it takes: without it nothing that matters can happen, and giving up could not be recorded either.
 *
 * @throws {Fault} the last failure; also when the signal ends a pause after it
 */
export function retryWithPatience<T>(
  { clock, signal, isWorthRepeating, onPause }: Patience,
  run: () => Promise<T>,
): Promise<T> {
  return retry<T, Fault>(
    {
      clock,
      signal,
      failureOf: namedFault,
      pauseAfter: (fault, failures) => (isWorthRepeating(fault) ? pauseAfter(fault, failures) : null),
      onPause,
    },
    run,
  )
}

/** Null: no further try. */
function pauseAfter({ code }: Fault, failures: number): number | null {
  const isDatabase = code === 'database_unreachable'
  const pauseMs = (isDatabase ? PAUSES_OF_DATABASE_MS : PAUSES_MS)[failures - 1]
  if (pauseMs !== undefined) return pauseMs
  return isDatabase ? PAUSES_OF_DATABASE_MS[3] : null
}

import { retry } from '../async/retry.ts'
import type { Clock } from '../clock.ts'
import { type Fault, NEXT_MOVE, toFault } from '../faults/fault.ts'

const TRIES = 3
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 60_000

export type RetryOptions = {
  clock: Clock
  /** Where a failure is expected: nothing is gained by a second try. */
  once?: boolean
  /** 0 up to 1; spreads the retries of several orders. */
  random: () => number
  /** Ends a wait at once; the fault of the last try is thrown then. */
  signal: AbortSignal
  onRetry: (fault: Fault, waitMs: number) => void
}

/**
 * Repeats work whose fault passes by itself (`NEXT_MOVE` says `retry`): at most 3 tries, waiting 1 s and 2 s with
 * jitter or as long as the fault's `retry_after_ms` asks for. Who asks for more than a minute gets no second try here;
 * the order waits instead of the call.
 */
export function withRetries<T>(options: RetryOptions, work: () => Promise<T>): Promise<T> {
  const { clock, signal, onRetry } = options
  const pauseAfter = (fault: Fault, failures: number) => waitBefore(fault, failures, options)
  return retry({ clock, signal, failureOf: toFault, pauseAfter, onPause: onRetry }, work)
}

/** Null: no further try. */
function waitBefore(fault: Fault, failures: number, { once, random }: RetryOptions): number | null {
  if (NEXT_MOVE[fault.code] !== 'retry' || failures >= (once === true ? 1 : TRIES)) return null
  const asked = fault.details['retry_after_ms']
  if (typeof asked === 'number') return asked > LONGEST_WAIT_MS ? null : asked
  return FIRST_WAIT_MS * 2 ** (failures - 1) * (1 + random())
}

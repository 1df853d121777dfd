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
export async function withRetries<T>(options: RetryOptions, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      const fault = toFault(error)
      const waitMs = waitBefore(fault, attempt, options)
      if (waitMs === null || options.signal.aborted) throw fault
      options.onRetry(fault, waitMs)
      await sleepOr(fault, waitMs, options)
    }
  }
}

/** Null: no further try. */
function waitBefore(fault: Fault, attempt: number, { once, random }: RetryOptions): number | null {
  if (NEXT_MOVE[fault.code] !== 'retry' || attempt >= (once === true ? 1 : TRIES)) return null
  const asked = fault.details['retry_after_ms']
  if (typeof asked === 'number') return asked > LONGEST_WAIT_MS ? null : asked
  return FIRST_WAIT_MS * 2 ** (attempt - 1) * (1 + random())
}

async function sleepOr(fault: Fault, waitMs: number, { clock, signal }: RetryOptions): Promise<void> {
  try {
    await clock.sleep(waitMs, signal)
  } catch (interruption) {
    if (signal.aborted) throw fault
    throw interruption
  }
}

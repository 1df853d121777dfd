import { retry } from '../async/retry.ts'
import { type Clock, NEVER_ABORTED } from '../clock.ts'
import { isDatabaseAway, reasonOf } from './database-fault.ts'

/** Most often only a connection broke, and the next one is there at once. */
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 15_000

export type WaitOptions = {
  clock: Pick<Clock, 'sleep'>
  /** Told before each pause why. */
  onPause?: (reason: string) => void
}

/**
 * Asks the database again until it answers, as long as it takes: for what must not be left open, such as money. What is
 * asked must be safe to repeat, because an answer may have been lost. No signal ends the wait: that it was stopped could
 * not be recorded either. A process that has to end ends all the same.
 *
 * @throws what `ask` throws for any other reason than that the database is away
 */
export function untilDatabaseAnswers<T>({ clock, onPause }: WaitOptions, ask: () => Promise<T>): Promise<T> {
  return retry(
    {
      clock,
      signal: NEVER_ABORTED,
      failureOf: (thrown) => thrown,
      pauseAfter: (error, failures) => (isDatabaseAway(error) ? pauseMsAfter(failures) : null),
      onPause: (error) => onPause?.(reasonOf(error)),
    },
    ask,
  )
}

function pauseMsAfter(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 3 ** (failures - 1), LONGEST_PAUSE_MS)
}

import type { Clock } from '../clock.ts'

type PauseOptions = {
  clock: Pick<Clock, 'sleep'>
  /** Ends the waiting; what runs ends by itself. */
  signal: AbortSignal
}

export type RepeatOptions<Result> = PauseOptions & {
  /**
   * How long to wait before the next run, in ms; null: there is none.
   *
   * @param runs so far, from 1
   */
  pauseAfter: (result: Result, runs: number) => number | null
  /** Called before each pause. */
  onPause?: ((result: Result, pauseMs: number) => void | Promise<void>) | undefined
}

/**
 * Runs something until its result needs no repetition. Each caller states in a table of its own what it repeats, and
 * after which pauses.
 *
 * (p-retry sleeps by a timer of its own, repeats no `TypeError`, and puts an abort in place of the failure before it.)
 *
 * @returns the last result, and whether the signal has ended the waiting after it
 */
export async function repeat<Result>(
  { clock, signal, pauseAfter, onPause }: RepeatOptions<Result>,
  run: () => Promise<Result>,
): Promise<{ result: Result; isStopped: boolean }> {
  for (let runs = 1; ; runs += 1) {
    const result = await run()
    const pauseMs = pauseAfter(result, runs)
    if (pauseMs === null) return { result, isStopped: false }
    if (signal.aborted) return { result, isStopped: true }
    await onPause?.(result, pauseMs)
    try {
      await clock.sleep(pauseMs, signal)
    } catch (error) {
      if (!signal.aborted) throw error
      return { result, isStopped: true }
    }
  }
}

export type RetryOptions<Failure> = PauseOptions & {
  /** What a thrown value is taken for: it is asked about, and thrown in the end. */
  failureOf: (thrown: unknown) => Failure
  /**
   * How long to wait before the next try, in ms; null: there is none.
   *
   * @param failures so far, from 1
   */
  pauseAfter: (failure: Failure, failures: number) => number | null
  /** Called before each pause. */
  onPause?: ((failure: Failure, pauseMs: number) => void | Promise<void>) | undefined
  /** What is thrown when the signal ends the waiting; without it the last failure. */
  whenStopped?: () => unknown
}

type Outcome<T, Failure> = { value: T } | { failure: Failure }

/**
 * Tries something until it succeeds.
 *
 * @throws the last failure, or what `whenStopped` gives
 */
export async function retry<T, Failure>(
  { failureOf, pauseAfter, onPause, whenStopped, clock, signal }: RetryOptions<Failure>,
  run: () => Promise<T>,
): Promise<T> {
  const outcomeOf = async (): Promise<Outcome<T, Failure>> => {
    try {
      return { value: await run() }
    } catch (thrown) {
      return { failure: failureOf(thrown) }
    }
  }
  const { result, isStopped } = await repeat(
    {
      clock,
      signal,
      pauseAfter: (outcome, failures) => ('failure' in outcome ? pauseAfter(outcome.failure, failures) : null),
      onPause: (outcome, pauseMs) => ('failure' in outcome ? onPause?.(outcome.failure, pauseMs) : undefined),
    },
    outcomeOf,
  )
  if ('value' in result) return result.value
  throw isStopped && whenStopped !== undefined ? whenStopped() : result.failure
}

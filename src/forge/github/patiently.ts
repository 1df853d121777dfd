import type { Clock } from '../../clock.ts'
import { Fault } from '../../errors.ts'

const PAUSES_MS = [1_000, 2_000, 4_000, 8_000]
/** A limit that lasts longer ends the step; what follows from it is for the orchestrator. */
const LONGEST_WAIT_MS = 3 * 60_000

/**
 * Repeats what GitHub could not answer or asked to be repeated later, a few times and for at most three minutes. Only
 * for what may be done twice.
 *
 * @throws {Fault} the last one
 */
export async function patiently<T>(clock: Clock, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  let waitedMs = 0
  for (let round = 0; ; round += 1) {
    try {
      return await run()
    } catch (error) {
      const pauseMs = pauseAfter(error, round)
      if (pauseMs === null || waitedMs + pauseMs > LONGEST_WAIT_MS) throw error
      waitedMs += pauseMs
      await clock.sleep(pauseMs, signal)
    }
  }
}

/** How long GitHub should be left alone; null: repeating is no use. */
export function pauseAfter(error: unknown, round: number): number | null {
  const pauseMs = PAUSES_MS[round]
  if (!(error instanceof Fault) || pauseMs === undefined) return null
  if (error.code === 'github_unreachable') return pauseMs
  if (error.code !== 'github_rate_limited') return null
  return Math.max(pauseMs, Number(error.details['retryAfterS']) * 1_000)
}

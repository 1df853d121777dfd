import type { Clock } from '../../clock.ts'
import { Fault } from '../../faults/fault.ts'
import { askedPauseMs } from '../../ports/pull-request.ts'
import { pause } from './pause.ts'

const PAUSES_MS = [1_000, 2_000, 4_000, 8_000]
/** A limit that lasts longer ends the step; what follows from it is for the orchestrator. */
const LONGEST_WAIT_MS = 3 * 60_000

/**
 * Repeats what GitHub could not answer or asked to be repeated later, a few times and for at most three minutes. Only
 * for what may be done twice.
 *
 * @throws {Fault} the last one
 */
export async function patiently<T>(
  { clock, random }: { clock: Clock; random: () => number },
  signal: AbortSignal,
  run: () => Promise<T>,
): Promise<T> {
  let waitedMs = 0
  for (let round = 0; ; round += 1) {
    try {
      return await run()
    } catch (error) {
      const pauseMs = pauseAfter(error, round, random)
      if (pauseMs === null || waitedMs + pauseMs > LONGEST_WAIT_MS) throw error
      waitedMs += pauseMs
      await pause(clock, pauseMs, signal)
    }
  }
}

/**
 * How long GitHub should be left alone, in ms; null: repeating is no use. Chance makes it up to one pause longer, never
 * shorter than GitHub asks, so that several do not come back at the same moment.
 *
 * @param random 0 up to 1
 */
export function pauseAfter(error: unknown, round: number, random: () => number): number | null {
  const pauseMs = PAUSES_MS[round]
  if (!(error instanceof Fault) || pauseMs === undefined) return null
  if (error.code !== 'github_unreachable' && error.code !== 'github_rate_limited') return null
  return Math.round(Math.max(pauseMs, askedPauseMs(error)) + pauseMs * random())
}

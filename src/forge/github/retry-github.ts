import { retry } from '../../async/retry.ts'
import type { Clock } from '../../clock.ts'
import { Fault } from '../../faults/fault.ts'
import { askedPauseMs } from '../../ports/pull-request.ts'
import { commandCancelled } from '../../process/wait-for-end.ts'

const PAUSES_MS = [1_000, 2_000, 4_000, 8_000]

/** A limit that lasts longer ends the step; what follows from it is for the orchestrator. */
const LONGEST_WAIT_MS = 3 * 60_000

/**
 * Repeats what GitHub could not answer or asked to be repeated later, a few times and for at most three minutes. Only
 * for what may be done twice.
 *
 * @throws {Fault} the last one; `attempt_cancelled` or what the signal was aborted with, at once, when it waits
 */
export function retryGitHub<T>(
  { clock, random }: { clock: Clock; random: () => number },
  signal: AbortSignal,
  run: () => Promise<T>,
): Promise<T> {
  let waitedMs = 0
  const pauseBelowLimit = (error: unknown, failures: number) => {
    const pauseMs = pauseAfter(error, failures, random)
    if (pauseMs === null || waitedMs + pauseMs > LONGEST_WAIT_MS) return null
    waitedMs += pauseMs
    return pauseMs
  }
  const whenStopped = () => commandCancelled(signal)
  return retry({ clock, signal, failureOf: (thrown) => thrown, pauseAfter: pauseBelowLimit, whenStopped }, run)
}

/**
 * How long GitHub should be left alone, in ms; null: repeating is no use. Chance makes it up to one pause longer, never
 * shorter than GitHub asks, so that several do not come back at the same moment.
 *
 * @param failures so far, from 1
 * @param random 0 up to 1
 */
export function pauseAfter(error: unknown, failures: number, random: () => number): number | null {
  const pauseMs = PAUSES_MS[failures - 1]
  if (!(error instanceof Fault) || pauseMs === undefined) return null
  if (error.code !== 'github_unreachable' && error.code !== 'github_rate_limited') return null
  return Math.round(Math.max(pauseMs, askedPauseMs(error)) + pauseMs * random())
}

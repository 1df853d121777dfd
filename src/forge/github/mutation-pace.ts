import type { Clock } from '../../clock.ts'
import { commandCancelled } from '../../process/wait-for-end.ts'
import { pause } from './pause.ts'

/** What GitHub asks for between two requests that change something. */
const APART_MS = 1_000

/**
 * Runs what changes something at a host of GitHub: one after the other in the order they came, each at least a second
 * after the last one has ended. A host is a token (tokens.ts).
 *
 * @throws {Fault} `attempt_cancelled` or what the signal was aborted with, at once, when it waits; what it throws itself
 * @see https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#pause-between-mutative-requests
 */
export type MutationPace = <T>(host: string, signal: AbortSignal, mutate: () => Promise<T>) => Promise<T>

export function createMutationPace(clock: Clock): MutationPace {
  /** When the last of a host has ended, or will have; in ms. */
  const lastEnds = new Map<string, Promise<number>>()
  return async (host, signal, mutate) => {
    const known = lastEnds.get(host)
    const before = known === undefined ? Promise.resolve(Number.NEGATIVE_INFINITY) : known
    const { promise: mine, resolve: end } = Promise.withResolvers<number>()
    lastEnds.set(host, mine)
    let began = false
    try {
      const left = (await unlessAborted(before, signal)) + APART_MS - clock.now().getTime()
      // A clock that was set back must not stop everything until it has caught up.
      if (left > 0) await pause(clock, Math.min(left, APART_MS), signal)
      began = true
      return await mutate()
    } finally {
      // One that never began is as if it had not been there: who is behind it waits for who is ahead.
      end(began ? clock.now().getTime() : before)
    }
  }
}

function unlessAborted<T>(event: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(commandCancelled(signal))
    if (signal.aborted) return giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    event.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}

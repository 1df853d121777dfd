import { setTimeout as delay } from 'node:timers/promises'

/** Time as the code sees it; given from outside so that tests need not wait. */
export type Clock = {
  now(): Date
  /** Rejects at once, with an AbortError, when the signal is aborted before or while waiting. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** A longer wait would overflow Node's timers and end at once. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) => delay(Math.min(ms, LONGEST_WAIT_MS), undefined, { signal }),
}

/** For a wait or a step that nothing may stop. */
export const NEVER_ABORTED = new AbortController().signal

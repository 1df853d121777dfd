import { setTimeout as delay } from 'node:timers/promises'

/** Time as the code sees it; given from outside so that tests need not wait. */
export type Clock = {
  now(): Date
  /** Rejects at once, with an AbortError, when the signal is aborted before or while waiting. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
}

/** For a wait or a step that nothing may stop. */
export const NEVER_ABORTED = new AbortController().signal

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

const [FIRST_TIME, LAST_TIME] = ['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'].map(Date.parse)

/**
 * A time of the database in ISO 8601, in UTC. Postgres knows times that this form does not: without an end, and beyond
 * the year 9999; they become the last one that it has, or the first. One beyond what a `Date` can hold comes as an invalid
 * one, and becomes the last.
 */
export function isoTime(at: Date): string {
  const ms = Number.isNaN(Number(at)) ? Number(LAST_TIME) : Number(at)
  return new Date(Math.min(Math.max(ms, Number(FIRST_TIME)), Number(LAST_TIME))).toISOString()
}

/** For a wait or a step that nothing may stop. */
export const NEVER_ABORTED = new AbortController().signal

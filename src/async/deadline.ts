import { setTimeout as sleep } from 'node:timers/promises'

/** A timer that comes so much later than it should was held up by its own thread. */
const LATE_MS = 200
/** What has arrived meanwhile is read within this time. */
const READ_MS = 1_000

/**
 * Calls back when the time is over. Where this thread was busy at that moment, what has arrived meanwhile is read first:
 * its timers come before that, and what came in time would count for nothing. Keeps no process alive.
 *
 * @returns takes it back
 */
export function whenOver(ms: number, then: () => void): () => void {
  const due = performance.now() + ms
  let timer = setTimeout(() => {
    if (performance.now() - due < LATE_MS) then()
    else timer = setTimeout(then, READ_MS).unref()
  }, ms).unref()
  return () => clearTimeout(timer)
}

/** Settles as the promise does, or rejects when that takes longer than `ms`; the work behind the promise continues. */
export async function withinTime<Value>(promise: Promise<Value>, ms: number): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Waits for an event, for at most `ms`; which of the two came first is not told. */
export async function waitAtMost(event: Promise<unknown>, ms: number): Promise<void> {
  const timer = new AbortController()
  try {
    await Promise.race([event, sleep(ms, undefined, { signal: timer.signal })])
  } finally {
    timer.abort()
  }
}

/** As `AbortSignal.timeout`, with what `whenOver` says of a thread that was busy. */
export function deadline(ms: number): AbortSignal {
  const over = new AbortController()
  whenOver(ms, () => over.abort(new DOMException(`not within ${ms} ms`, 'TimeoutError')))
  return over.signal
}

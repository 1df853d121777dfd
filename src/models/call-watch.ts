import { AsyncLocalStorage } from 'node:async_hooks'
import type { RawAnswer } from './model-answer.ts'

/** What went over the wire in one call; null: it did not come so far. */
export type Watched = {
  /** What limited the answer, as the request named it. */
  outputLimitParameter: string | null
  /** Whether the server answered with a stream of events. */
  streamed: boolean | null
  answer: RawAnswer | null
}

type Watch = { seen: Watched; maxOutputTokens: number }

const watching = new AsyncLocalStorage<Watch>()

/**
 * Does work that makes one call, and has seen what it sent and got; of a call that was tried again, the last try.
 *
 * @param maxOutputTokens what the call is limited to, a number that stands nowhere else in it: so the limit is found
 */
export async function watchCall<Value>(
  maxOutputTokens: number,
  work: () => Promise<Value>,
): Promise<{ ended: PromiseSettledResult<Value>; seen: Watched }> {
  const seen: Watched = { outputLimitParameter: null, streamed: null, answer: null }
  const [ended] = await watching.run({ seen, maxOutputTokens }, () => Promise.allSettled([work()]))
  return { ended, seen }
}

/** For what sends the request; does nothing where no call is watched. */
export function noteExchange(body: unknown, response: Response): void {
  const watch = watching.getStore()
  if (watch === undefined) return
  const limit = new RegExp(`"(\\w{1,64})":\\s?${watch.maxOutputTokens}\\b`).exec(String(body))
  watch.seen.outputLimitParameter = limit === null ? null : String(limit[1])
  watch.seen.streamed = /^text\/event-stream/i.test(String(response.headers.get('content-type')))
}

/** For what has collected the answer, before it is judged. */
export function noteAnswer(answer: RawAnswer): void {
  const watch = watching.getStore()
  if (watch !== undefined) watch.seen.answer = answer
}

import type { Context } from 'hono'
import type { StreamEnd } from '../contract/events.ts'
import type { EventView } from '../contract/work-orders.ts'
import type { HttpEnv } from './http-env.ts'
import { requestSignal } from './request-signal.ts'

/** The live events of a stream; null: a heartbeat. They end when the signal aborts, or by themselves. */
export type Items = (signal: AbortSignal) => AsyncIterable<EventView | null>

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // The connection ends with the stream, so that a closing server has nothing to wait for.
  Connection: 'close',
}

/**
 * Answers with server-sent events: `id`, `event` (the type) and `data` (the event as JSON); comments as heartbeats; at
 * last `event: end`. One frame at a time, made when the client has taken the one before.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 * @throws {Fault} `too_many_streams`
 */
export function answerEventStream(c: Context<HttpEnv>, items: Items): Response {
  if (c.req.method === 'HEAD') return c.body(null, 200, HEADERS)
  const release = c.var.streamSlots.take()
  const left = new AbortController()
  const source = frames(c, items(AbortSignal.any([requestSignal(c), left.signal])))
  const encoder = new TextEncoder()
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await source.next()
      if (done !== true) return controller.enqueue(encoder.encode(value))
      release()
      controller.close()
    },
    async cancel() {
      release()
      left.abort()
      await source.return()
    },
  })
  return c.body(stream, 200, HEADERS)
}

async function* frames(
  c: Context<HttpEnv>,
  items: AsyncIterable<EventView | null>,
): AsyncGenerator<string, void, undefined> {
  try {
    for await (const item of items) yield item === null ? ': still here\n\n' : frame(item)
    yield lastFrame({ reason: c.var.closing?.aborted === true ? 'shutdown' : 'attempt_ended' })
  } catch (error) {
    c.var.services.log.error({ err: error, path: c.req.path }, 'event stream failed')
    yield lastFrame({ reason: 'failed' })
  }
}

function frame(event: EventView): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

function lastFrame(end: StreamEnd): string {
  return `event: end\ndata: ${JSON.stringify(end)}\n\n`
}

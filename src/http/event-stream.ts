import type { Context } from 'hono'
import { actorText } from '../contract/actor.ts'
import type { ServiceStopping, SettingsChanged, StreamEnd } from '../contract/events.ts'
import { type EventView, isEventType } from '../contract/events.ts'
import { isOfSettings } from '../db/event-feed.ts'
import { isStillLetIn } from './authenticate.ts'
import { type HttpEnv, requestSignal } from './http-env.ts'

/** The live events of a stream; null: a heartbeat. They end when the signal aborts, or by themselves. */
export type Items<Item = EventView> = (signal: AbortSignal) => AsyncIterable<Item | null>

/** What a client waits before it connects again: about as long as a restart takes. */
const RETRY_MS = 3_000

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // The connection ends with the stream, so that a closing server has nothing to wait for.
  Connection: 'close',
}

/**
 * Answers with server-sent events: `id`, `event` (the type; `other` for one that is not known here) and `data` (the event as JSON); comments as heartbeats; `event: settings` without an id;
 * `event: service_stopping` as soon as the service begins to stop; at last `event: end`. One frame at a time, made when the client has taken the one before, and none once its token no longer counts.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 * @throws {Fault} `too_many_streams`
 */
export function answerEventStream(c: Context<HttpEnv>, items: Items<EventView | SettingsChanged>): Response {
  return answerStream(c, items, frame)
}

/** As `answerEventStream`, of other events. @param toFrame one event as it is sent */
export function answerStream<Item>(c: Context<HttpEnv>, items: Items<Item>, toFrame: (item: Item) => string): Response {
  if (c.req.method === 'HEAD') return c.body(null, 200, HEADERS)
  const release = c.var.streamSlots.take(actorText(c.var.actor))
  const left = new AbortController()
  const source = frames(c, items(AbortSignal.any([requestSignal(c), left.signal])), toFrame)
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

async function* frames<Item>(
  c: Context<HttpEnv>,
  items: AsyncIterable<Item | null>,
  toFrame: (item: Item) => string,
): AsyncGenerator<string, void, undefined> {
  const stoppingFrames = onceStopping(c.var.deps.orchestrator.stopping)
  try {
    yield* stoppingFrames()
    for await (const item of items) {
      if (!(await isStillLetIn(c))) return yield lastFrame({ reason: 'failed' })
      yield item === null ? ': still here\n\n' : toFrame(item)
      yield* stoppingFrames()
    }
    yield* stoppingFrames()
    yield lastFrame({ reason: c.var.closing?.aborted === true ? 'shutdown' : 'attempt_ended' })
  } catch (error) {
    c.var.deps.log.error({ err: error, path: c.req.path }, 'event stream failed')
    yield lastFrame({ reason: 'failed' })
  }
}

/** A type that another program wrote may hold line breaks, or be the one that ends a stream: the data alone has it then. */
function frame(event: EventView | SettingsChanged): string {
  if (isOfSettings(event)) return `event: settings\ndata: ${JSON.stringify(event)}\n\n`
  const name = isEventType(event.type) ? event.type : 'other'
  return `id: ${event.id}\nevent: ${name}\ndata: ${JSON.stringify(event)}\n\n`
}

/** Gives the frame that tells of it the first time it is asked after the service has begun to stop. */
function onceStopping(stopping: AbortSignal): () => string[] {
  const data: ServiceStopping = { retry_ms: RETRY_MS }
  const told = `event: service_stopping\nretry: ${RETRY_MS}\ndata: ${JSON.stringify(data)}\n\n`
  const left = [told]
  return () => (stopping.aborted ? left.splice(0) : [])
}

function lastFrame(end: StreamEnd): string {
  return `event: end\ndata: ${JSON.stringify(end)}\n\n`
}

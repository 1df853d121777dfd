import { type EventSourceMessage, EventSourceParserStream } from 'eventsource-parser/stream'
import type { z } from 'zod'
import { EventView, SettingsChanged, StreamEnd } from '../../contract/events.ts'
import { Fault, toFault } from '../../faults/fault.ts'

/** A single event, the longest output of a check included, stays far below it. */
const MAX_EVENT_CHARACTERS = 4_000_000

/**
 * The server-sent events of an answer, as they come. Ends when the server says that nothing more will come or the
 * signal aborts; leaving the loop closes the connection.
 *
 * @throws {Fault} `service_unreachable` when the connection breaks or the service stops, `internal` when an event is
 *   not one of ours
 */
export function readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): AsyncGenerator<EventView> {
  return readStream(body, signal, EventView)
}

/** As `readEvents`, of a stream that tells of settings too. */
export function readAll(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): AsyncGenerator<EventView | SettingsChanged> {
  return readStream(body, signal, SettingsChanged.or(EventView))
}

/** As `readEvents`, of events of another shape. */
export async function* readStream<T>(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
  schema: z.ZodType<T>,
): AsyncGenerator<T> {
  const messages = body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ maxBufferSize: MAX_EVENT_CHARACTERS }))
  const reader = messages.getReader()
  const cancel = () => void reader.cancel().catch(() => {})
  signal.addEventListener('abort', cancel, { once: true })
  try {
    if (signal.aborted) return
    for (;;) {
      const next = await read(reader, signal)
      if (next === null) return
      // The events of what still finishes come after it, and then the end.
      if (next.event === 'service_stopping') continue
      if (next.event === 'end') return assertComplete(parse(StreamEnd, next.data))
      yield parse(schema, next.data)
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}

async function read(
  reader: ReadableStreamDefaultReader<EventSourceMessage>,
  signal: AbortSignal,
): Promise<EventSourceMessage | null> {
  try {
    const { done, value } = await reader.read()
    if (!done) return value
  } catch (error) {
    if (!signal.aborted) throw brokenOff(toFault(error).message, error)
  }
  if (signal.aborted) return null
  throw brokenOff('the connection was closed', undefined)
}

function assertComplete({ reason }: StreamEnd): void {
  if (reason === 'shutdown') throw brokenOff('the service stops', undefined)
  if (reason === 'failed') throw brokenOff('the service could not read them', undefined)
}

function brokenOff(why: string, cause: unknown): Fault {
  const message = `The live events broke off: ${why}. Running attempts continue, or are resumed at the next start; see: moose status`
  return new Fault('service_unreachable', message, {}, cause)
}

function parse<T>(schema: z.ZodType<T>, data: string): T {
  try {
    return schema.parse(JSON.parse(data))
  } catch (error) {
    throw new Fault('internal', 'The service sent an event this version of Moose does not know.', {}, error)
  }
}

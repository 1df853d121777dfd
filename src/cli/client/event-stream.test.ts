import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { faultOf } from '../../../test/support/fault-of.ts'
import type { EventView } from '../../contract/events.ts'
import { readEvents } from './event-stream.ts'

const EVENT: EventView = {
  id: '7',
  work_order_id: '1a2b3c4d-0000-4000-8000-000000000000',
  attempt: 1,
  step: 'propose',
  type: 'progress',
  message: 'thinking – 日本',
  data: {},
  at: '2026-01-31T12:00:00.000Z',
}
const END = 'event: end\ndata: {"reason":"attempt_ended"}\n\n'
const frame = (event: EventView) => `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

/** A body whose bytes come in pieces of this size. */
function body(text: string, pieceBytes = 1_000_000): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text)
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += pieceBytes) controller.enqueue(bytes.slice(at, at + pieceBytes))
      controller.close()
    },
  })
}

async function all(events: AsyncIterable<EventView>): Promise<EventView[]> {
  const read = []
  for await (const event of events) read.push(event)
  return read
}

const never = new AbortController().signal

test('events come out whole however the network cuts them, heartbeats do not', async () => {
  const text = `: still here\n\n${frame(EVENT)}${frame({ ...EVENT, id: '8' })}${END}`
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 50 }), async (size) => {
      assert.deepEqual(await all(readEvents(body(text, size), never)), [EVENT, { ...EVENT, id: '8' }])
    }),
    { numRuns: 50 },
  )
})

test('a stream that just stops, or says that the service does, is no end', async () => {
  const cut = await faultOf(all(readEvents(body(frame(EVENT)), never)))
  assert.equal(cut.code, 'service_unreachable')
  const down = await faultOf(all(readEvents(body('event: end\ndata: {"reason":"shutdown"}\n\n'), never)))
  assert.match(down.message, /the service stops/)
})

test('an event of another version is named as such', async () => {
  const foreign = await faultOf(all(readEvents(body('event: news\ndata: {"id":1}\n\n'), never)))
  assert.equal(foreign.code, 'internal')
})

test('an aborted signal ends the events without a fault and lets go of the body', async () => {
  const controller = new AbortController()
  let cancelled = false
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (stream) => stream.enqueue(new TextEncoder().encode(frame(EVENT))),
    cancel: () => {
      cancelled = true
    },
  })
  const read = []
  for await (const event of readEvents(endless, controller.signal)) {
    read.push(event)
    controller.abort()
  }
  await setImmediate()
  assert.equal(read.length, 1)
  assert.equal(cancelled, true)
})

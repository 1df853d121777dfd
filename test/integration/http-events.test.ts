import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { EventsResponse } from '../../src/contract/events.ts'
import { FaultBody } from '../../src/contract/faults.ts'
import type { AttemptView } from '../../src/contract/work-orders.ts'
import { createHttpApp } from '../../src/http/http-app.ts'
import { HTTP_LIMITS } from '../../src/http/http-env.ts'
import { serveHttp } from '../../src/http/serve-http.ts'
import { memoryHttpServices } from '../support/memory-http-services.ts'
import { until } from '../support/until.ts'

const RUNNING: AttemptView = {
  number: 1,
  status: 'running',
  branch: null,
  base_sha: null,
  head_sha: null,
  cost_usd: 0,
  error: null,
  claimed_at: '2026-01-31T12:00:00.000Z',
  ended_at: null,
  steps: [],
}

/** Reads a stream until its end, or until `enough` says so and the connection is dropped. */
async function read(response: Response, enough: (events: EventSourceMessage[]) => boolean = () => false) {
  assert.equal(response.status, 200)
  assert.match(String(response.headers.get('content-type')), /^text\/event-stream/)
  const events: EventSourceMessage[] = []
  let comments = 0
  const parser = createParser({ onEvent: (event) => events.push(event), onComment: () => (comments += 1) })
  const decoder = new TextDecoder()
  assert.ok(response.body)
  for await (const chunk of response.body) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    if (enough(events)) break
  }
  return { events, comments: () => comments, ids: events.flatMap(({ id }) => (id === undefined ? [] : [id])) }
}

const subscribed = (services: ReturnType<typeof memoryHttpServices>, count: number) =>
  until(`${count} subscriptions`, () => services.subscriptions() === count, { everyMs: 5 })

const lastOf = (events: EventSourceMessage[]) => {
  const last = events.at(-1)
  return { event: last?.event, id: last?.id, data: JSON.parse(String(last?.data)) }
}

test('a stream gives what is stored and then what comes, each event once and in order', async () => {
  const services = memoryHttpServices()
  await using server = await serveHttp(createHttpApp(services), { port: 0 })
  const { id } = services.place()
  services.publish({ work_order_id: id, type: 'added', message: 'first\nline' })
  const response = await fetch(`${server.url}/api/work-orders/${id.slice(0, 8)}/events`)
  const reading = read(response, (events) => events.length === 3)
  await subscribed(services, 1)
  services.publish({ work_order_id: services.place().id, message: 'of another order' })
  services.publish({ work_order_id: id, type: 'approved' })
  services.publish({ work_order_id: id, type: 'claimed' })
  const { events } = await reading
  assert.deepEqual(
    events.map(({ id, event }) => [id, event]),
    [
      ['1', 'added'],
      ['3', 'approved'],
      ['4', 'claimed'],
    ],
  )
  assert.equal(JSON.parse(String(events[0]?.data)).message, 'first\nline')
  await subscribed(services, 0)
})

test('the stream of all orders resumes after ?after=, and after Last-Event-ID before that', async () => {
  const services = memoryHttpServices()
  await using server = await serveHttp(createHttpApp(services), { port: 0 })
  for (let i = 0; i < 5; i += 1) services.publish({ work_order_id: services.place().id })
  const from = async (path: string, headers: Record<string, string> = {}) =>
    (await read(await fetch(server.url + path, { headers }), (events) => events.at(-1)?.id === '5')).ids
  assert.deepEqual(await from('/api/events'), ['1', '2', '3', '4', '5'])
  assert.deepEqual(await from('/api/events?after=3'), ['4', '5'])
  assert.deepEqual(await from('/api/events?after=0', { 'Last-Event-ID': '4' }), ['5'])
})

test('whoever asks for JSON gets what is stored and no stream', async () => {
  const services = memoryHttpServices()
  const app = createHttpApp(services)
  const { id } = services.place()
  for (let i = 0; i < 3; i += 1) services.publish({ work_order_id: id })
  services.publish({ work_order_id: services.place().id })
  const ids = async (path: string) => {
    const response = await app.request(path, { headers: { Accept: 'application/json' } })
    return EventsResponse.parse(await response.json()).events.map((event) => event.id)
  }
  assert.deepEqual(await ids('/api/events'), ['1', '2', '3', '4'])
  assert.deepEqual(await ids(`/api/work-orders/${id}/events?after=1`), ['2', '3'])
})

test('a silent stream says that it is alive', async () => {
  const services = memoryHttpServices()
  const app = createHttpApp(services, { ...HTTP_LIMITS, heartbeatMs: 10 })
  await using server = await serveHttp(app, { port: 0 })
  const { id } = services.place()
  const reading = read(await fetch(`${server.url}/api/events`), (events) => events.length === 1)
  await pause(100)
  services.publish({ work_order_id: id })
  const { comments } = await reading
  assert.ok(comments() >= 3, `${comments()} heartbeats`)
})

test('a followed stream ends after the end of the attempt, not of an earlier one, and nothing is lost', async () => {
  const services = memoryHttpServices()
  await using server = await serveHttp(createHttpApp(services), { port: 0 })
  const order = services.place({ status: 'in_progress', phase: 'routing', attempt_history: [RUNNING] })
  services.publish({ work_order_id: order.id, type: 'attempt_ended', attempt: 0 })
  const reading = read(await fetch(`${server.url}/api/work-orders/${order.id}/events?follow=attempt`))
  await subscribed(services, 1)
  services.publish({ work_order_id: order.id, type: 'step_started' })
  services.place({ ...order, status: 'failed', phase: null, attempt_history: [{ ...RUNNING, status: 'failed' }] })
  services.publish({ work_order_id: order.id, type: 'status' })
  services.publish({ work_order_id: order.id, type: 'attempt_ended' })
  const { events, ids } = await reading
  assert.deepEqual(ids, ['1', '2', '3', '4'])
  assert.deepEqual(lastOf(events), { event: 'end', id: undefined, data: { reason: 'attempt_ended' } })
  await subscribed(services, 0)
})

test('a followed stream has the end of the step that recorded the end of the attempt', async () => {
  const services = memoryHttpServices()
  const app = createHttpApp(services)
  const record = {
    name: 'record',
    try: 1,
    runs: 1,
    input: null,
    output: null,
    error: null,
    cost_usd: 0,
    ended_at: null,
  }
  const step = { ...record, status: 'running', started_at: RUNNING.claimed_at } as const
  const ended = { ...RUNNING, status: 'succeeded' as const, steps: [step] }
  const order = services.place({ status: 'in_progress', phase: 'in_review', attempt_history: [ended] })
  const reading = read(await app.request(`/api/work-orders/${order.id}/events?follow=attempt`))
  await pause(50)
  services.publish({ work_order_id: order.id, type: 'step_succeeded', step: 'record' })
  services.place({ ...order, attempt_history: [{ ...ended, steps: [{ ...step, status: 'succeeded' }] }] })
  assert.deepEqual((await reading).ids, ['1'])
})

test('a followed stream of an order at rest gives what is stored and ends at once', async () => {
  const services = memoryHttpServices()
  const app = createHttpApp(services)
  const states = [{ status: 'failed' }, { status: 'blocked' }, { status: 'in_progress', phase: 'in_review' }] as const
  for (const state of states) {
    const { id } = services.place(state)
    for (let i = 0; i < 600; i += 1) services.publish({ work_order_id: id })
    const { events, ids } = await read(await app.request(`/api/work-orders/${id}/events?follow=attempt`))
    assert.equal(ids.length, 600)
    assert.deepEqual(lastOf(events).data, { reason: 'attempt_ended' })
  }
})

test('a followed stream notices an end that nobody wrote an event for', async () => {
  const services = memoryHttpServices()
  const app = createHttpApp(services, { ...HTTP_LIMITS, heartbeatMs: 10 })
  const order = services.place()
  const reading = read(await app.request(`/api/work-orders/${order.id}/events?follow=attempt`))
  await subscribed(services, 1)
  services.place({ ...order, status: 'cancelled' })
  assert.deepEqual(lastOf((await reading).events).data, { reason: 'attempt_ended' })
})

test('a cancelled order is followed until its attempt has really ended', async () => {
  const services = memoryHttpServices()
  const app = createHttpApp(services)
  const order = services.place({ status: 'in_progress', phase: 'proposing', attempt_history: [RUNNING] })
  const reading = read(await app.request(`/api/work-orders/${order.id}/events?follow=attempt`))
  await subscribed(services, 1)
  const cancelled = services.place({ ...order, status: 'cancelled', phase: null })
  services.publish({ work_order_id: order.id, type: 'status' })
  await pause(20)
  services.place({ ...cancelled, attempt_history: [{ ...RUNNING, status: 'cancelled' }] })
  services.publish({ work_order_id: order.id, type: 'attempt_ended' })
  assert.deepEqual((await reading).ids, ['1', '2'])
})

test('a client that goes away leaves no subscription behind', async () => {
  const services = memoryHttpServices()
  const app = createHttpApp(services)
  await using server = await serveHttp(app, { port: 0 })
  const gone = new AbortController()
  await fetch(`${server.url}/api/events`, { signal: gone.signal })
  const called = await app.request('/api/events')
  await subscribed(services, 2)
  gone.abort()
  await subscribed(services, 1)
  await called.body?.cancel()
  await subscribed(services, 0)
})

test('a client that does not read holds the source back instead of filling memory', async () => {
  const services = memoryHttpServices()
  let taken = 0
  services.events.subscribe = async function* ({ signal }) {
    const event = { ...services.publish({ work_order_id: services.place().id }), message: 'x'.repeat(100_000) }
    for (; !signal.aborted && taken < 10_000; taken += 1) yield { ...event, id: String(taken) }
  }
  await using server = await serveHttp(createHttpApp(services), { port: 0 })
  const response = await fetch(`${server.url}/api/events`)
  await pause(300)
  const before = taken
  assert.ok(before < 500, `${before} events of 100 kB were taken`)
  await pause(200)
  assert.equal(taken, before)
  await response.body?.cancel()
})

test('more streams than the limit are 429, and a closed one makes room', async () => {
  const services = memoryHttpServices()
  const app = createHttpApp(services, { ...HTTP_LIMITS, maxStreams: 2 })
  await using server = await serveHttp(app, { port: 0 })
  const first = await fetch(`${server.url}/api/events`)
  await fetch(`${server.url}/api/events`)
  for (let i = 0; i < 5; i += 1) await fetch(`${server.url}/api/events`, { method: 'HEAD' })
  const third = await fetch(`${server.url}/api/events`)
  assert.equal(third.status, 429)
  assert.equal(FaultBody.parse(await third.json()).error.code, 'too_many_streams')
  await first.body?.cancel()
  await subscribed(services, 1)
  assert.equal((await fetch(`${server.url}/api/events`)).status, 200)
})

test('a stream whose source breaks says so at its end and keeps the reason to itself', async () => {
  const services = memoryHttpServices()
  services.events.subscribe = async function* () {
    yield services.publish({ work_order_id: services.place().id })
    throw new Error('password is hunter2')
  }
  const { events } = await read(await createHttpApp(services).request('/api/events'))
  assert.equal(events.length, 2)
  assert.deepEqual(lastOf(events).data, { reason: 'failed' })
})

test('who follows is told at once that the service stops, hears what still finishes, and then the end', async () => {
  const services = memoryHttpServices()
  const server = await serveHttp(createHttpApp(services), { port: 0 })
  const { id } = services.place({ status: 'in_progress', attempt_history: [RUNNING] })
  const before = read(await fetch(`${server.url}/api/events`))
  const following = read(await fetch(`${server.url}/api/work-orders/${id}/events?follow=attempt`))
  await subscribed(services, 2)
  await services.orchestrator.drain(0)
  const after = read(await fetch(`${server.url}/api/events`))
  await subscribed(services, 3)
  services.publish({ work_order_id: id, type: 'step_succeeded' })
  await pause(50)
  await server[Symbol.asyncDispose]()
  for (const { events } of await Promise.all([before, following, after])) {
    assert.deepEqual(
      events.map(({ event, data }) => [event, event === 'step_succeeded' ? null : JSON.parse(data)]),
      [
        ['service_stopping', { retry_ms: 3_000 }],
        ['step_succeeded', null],
        ['end', { reason: 'shutdown' }],
      ],
    )
  }
})

test('the frame that tells of the stop says when to come again, and keeps the place of the stream', async () => {
  const services = memoryHttpServices()
  await using server = await serveHttp(createHttpApp(services), { port: 0 })
  services.publish({ work_order_id: services.place().id })
  const response = await fetch(`${server.url}/api/events`)
  assert.ok(response.body)
  let said = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    said += chunk
    if (said.includes('"event 1"')) await services.orchestrator.drain(0)
    if (said.includes('service_stopping') && said.endsWith('\n\n')) break
  }
  assert.ok(said.endsWith('event: service_stopping\nretry: 3000\ndata: {"retry_ms":3000}\n\n'), said)
})

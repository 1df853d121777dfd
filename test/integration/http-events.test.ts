import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { EventView } from '../../src/contract/events.ts'
import { EventsResponse } from '../../src/contract/events.ts'
import { FaultBody } from '../../src/contract/faults.ts'
import { addToken } from '../../src/db/api-tokens/api-tokens.ts'
import { HTTP_LIMITS } from '../../src/http/http-env.ts'
import { serveHttp } from '../../src/http/serve-http.ts'
import { TOKEN_BYTES, tokenHash, tokenOf } from '../../src/redaction/token-form.ts'
import { type ApiDeps, openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { until } from '../support/until.ts'

const api = await openApiHome()
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

const EVENT: EventView = {
  id: '1',
  work_order_id: '1a2b3c4d-0000-4000-8000-000000000000',
  attempt: 1,
  step: null,
  type: 'progress',
  message: 'event 1',
  data: {},
  at: '2026-01-31T12:00:00.000Z',
}
const RUNNING = { number: 1, status: 'running' } as const

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

const subscribed = (deps: ApiDeps, count: number) =>
  until(`${count} subscriptions`, () => deps.subscriptions() === count, { everyMs: 5 })

const lastOf = (events: EventSourceMessage[]) => {
  const last = events.at(-1)
  return { event: last?.event, id: last?.id, data: JSON.parse(String(last?.data)) }
}

test('a stream gives what is stored and then what comes, each event once and in order', async () => {
  const deps = api.deps()
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  const id = await api.place()
  await api.publish({ work_order_id: id, type: 'added', message: 'first\nline' })
  const response = await fetch(`${server.url}/api/work-orders/${id.slice(0, 8)}/events`)
  const reading = read(response, (events) => events.length === 3)
  await subscribed(deps, 1)
  await api.publish({ work_order_id: await api.place(), message: 'of another order' })
  await api.publish({ work_order_id: id, type: 'approved' })
  await api.publish({ work_order_id: id, type: 'claimed' })
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
  await subscribed(deps, 0)
})

test('the stream of all orders resumes after ?after=, and after Last-Event-ID before that', async () => {
  const deps = api.deps()
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  await api.publish({ work_order_id: await api.place() }, 5)
  const from = async (path: string, headers: Record<string, string> = {}) =>
    (await read(await fetch(server.url + path, { headers }), (events) => events.at(-1)?.id === '5')).ids
  assert.deepEqual(await from('/api/events'), ['1', '2', '3', '4', '5'])
  assert.deepEqual(await from('/api/events?after=3'), ['4', '5'])
  assert.deepEqual(await from('/api/events?after=0', { 'Last-Event-ID': '4' }), ['5'])
})

test('whoever asks for JSON gets what is stored and no stream', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const id = await api.place()
  await api.publish({ work_order_id: id }, 3)
  await api.publish({ work_order_id: await api.place() })
  const ids = async (path: string) => {
    const response = await app.request(path, { headers: { Accept: 'application/json' } })
    return EventsResponse.parse(await response.json()).events.map((event) => event.id)
  }
  assert.deepEqual(await ids('/api/events'), ['1', '2', '3', '4'])
  assert.deepEqual(await ids(`/api/work-orders/${id}/events?after=1`), ['2', '3'])
})

test('a stream that asks for it is told of settings that change, also by plain SQL, without an id; others are not', async () => {
  const deps = api.deps()
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  const { pool } = api.home.database
  const id = await api.place()
  const last = (events: EventSourceMessage[]) => events.some(({ event }) => event === 'added')
  const told = read(await fetch(`${server.url}/api/events?settings=true`), last)
  const untold = read(await fetch(`${server.url}/api/events`), last)
  await subscribed(deps, 1)
  const acts = [
    `insert into system_config (key, value) values ('emergency_stop', 'false')`,
    `update projects set protect = '["infra/"]' where name = 'sample'`,
    `update proposer_configs set complexity_threshold = 0.9`,
    `insert into api_tokens (name, hash, scopes, created_by) values ('told', sha256('told'), '{read}', 'os_user:x')`,
    `insert into provider_pauses (provider, failures, reason, until) values ('acme', 1, 'away', now() + interval '1 hour')`,
    `insert into workers (executor_id, holder, host, pid, version, revision, lease_until)
      values ('other', gen_random_uuid(), 'host', 1, '1', '1', now())`,
    `update workers set lease_until = now() where executor_id = 'other'`,
  ]
  for (const verb of ['start', 'stop']) await fetch(`${server.url}/api/orchestrator/${verb}`, { method: 'POST' })
  for (const act of acts) await pool.query(act)
  await pool.query(`delete from provider_pauses where provider = 'acme'`)
  await pool.query(`delete from workers where executor_id = 'other'`)
  await api.publish({ work_order_id: id, type: 'added' })
  const { events } = await told
  const settings = events.filter(({ event }) => event === 'settings')
  const kinds = settings.map(({ data }) => JSON.parse(data).about)
  const ofService = kinds.slice(0, kinds.indexOf('setting'))
  // The first start has it join the fleet.
  assert.equal(ofService.filter((kind) => kind === 'worker').length, 1)
  assert.equal(ofService.filter((kind) => kind === 'orchestrator').length, 2)
  const ofActs = kinds.slice(ofService.length).filter((kind, index, all) => kind !== all[index - 1])
  // Nothing comes of the lease that is renewed.
  assert.deepEqual(ofActs, ['setting', 'project', 'proposer', 'token', 'provider', 'worker', 'provider', 'worker'])
  assert.ok(settings.every((event) => event.id === undefined))
  const { events: usual } = await untold
  assert.deepEqual([...new Set(usual.map(({ event }) => event))], ['added'])
})

test('a silent stream says that it is alive', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps, { ...HTTP_LIMITS, heartbeatMs: 10 })
  await using server = await serveHttp(app, { port: 0 })
  const id = await api.place()
  const reading = read(await fetch(`${server.url}/api/events`), (events) => events.length === 1)
  await pause(100)
  await api.publish({ work_order_id: id })
  const { comments } = await reading
  assert.ok(comments() >= 3, `${comments()} heartbeats`)
})

test('a followed stream ends after the end of the attempt, not of an earlier one, and nothing is lost', async () => {
  const deps = api.deps()
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  const id = await api.place({ status: 'in_progress', phase: 'routing', attempt_history: [RUNNING] })
  await api.publish({ work_order_id: id, type: 'attempt_ended', attempt: 0 })
  const reading = read(await fetch(`${server.url}/api/work-orders/${id}/events?follow=attempt`))
  await subscribed(deps, 1)
  await api.publish({ work_order_id: id, type: 'step_started' })
  await api.place({ id, status: 'failed', phase: null, attempt_history: [{ ...RUNNING, status: 'failed' }] })
  await api.publish({ work_order_id: id, type: 'status' })
  await api.publish({ work_order_id: id, type: 'attempt_ended' })
  const { events, ids } = await reading
  assert.deepEqual(ids, ['1', '2', '3', '4'])
  assert.deepEqual(lastOf(events), { event: 'end', id: undefined, data: { reason: 'attempt_ended' } })
  await subscribed(deps, 0)
})

test('a followed stream has the end of the step that recorded the end of the attempt', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const ended = { ...RUNNING, status: 'succeeded' } as const
  const step = { name: 'record', status: 'running' } as const
  const id = await api.place({
    status: 'in_progress',
    phase: 'in_review',
    attempt_history: [{ ...ended, steps: [step] }],
  })
  const reading = read(await app.request(`/api/work-orders/${id}/events?follow=attempt`))
  await pause(50)
  await api.publish({ work_order_id: id, type: 'step_succeeded', step: 'record' })
  await api.place({ id, attempt_history: [{ ...ended, steps: [{ ...step, status: 'succeeded' }] }] })
  assert.deepEqual((await reading).ids, ['1'])
})

test('a followed stream of an order at rest gives what is stored and ends at once', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const states = [{ status: 'failed' }, { status: 'blocked' }, { status: 'in_progress', phase: 'in_review' }] as const
  for (const state of states) {
    const id = await api.place(state)
    await api.publish({ work_order_id: id }, 600)
    const { events, ids } = await read(await app.request(`/api/work-orders/${id}/events?follow=attempt`))
    assert.equal(ids.length, 600)
    assert.deepEqual(lastOf(events).data, { reason: 'attempt_ended' })
  }
})

test('a followed stream notices an end that nobody wrote an event for', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps, { ...HTTP_LIMITS, heartbeatMs: 10 })
  const id = await api.place()
  const reading = read(await app.request(`/api/work-orders/${id}/events?follow=attempt`))
  await subscribed(deps, 1)
  await api.place({ id, status: 'cancelled' })
  assert.deepEqual(lastOf((await reading).events).data, { reason: 'attempt_ended' })
})

test('a cancelled order is followed until its attempt has really ended', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const id = await api.place({ status: 'in_progress', phase: 'proposing', attempt_history: [RUNNING] })
  const reading = read(await app.request(`/api/work-orders/${id}/events?follow=attempt`))
  await subscribed(deps, 1)
  await api.place({ id, status: 'cancelled', phase: null })
  await api.publish({ work_order_id: id, type: 'status' })
  await pause(20)
  await api.place({ id, attempt_history: [{ ...RUNNING, status: 'cancelled' }] })
  await api.publish({ work_order_id: id, type: 'attempt_ended' })
  assert.deepEqual((await reading).ids, ['1', '2'])
})

test('a client that goes away leaves no subscription behind', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  await using server = await serveHttp(app, { port: 0 })
  const gone = new AbortController()
  await fetch(`${server.url}/api/events`, { signal: gone.signal })
  const called = await app.request('/api/events')
  await subscribed(deps, 2)
  gone.abort()
  await subscribed(deps, 1)
  await called.body?.cancel()
  await subscribed(deps, 0)
})

test('a client that does not read holds the source back instead of filling memory', async () => {
  const deps = api.deps()
  let taken = 0
  deps.feed.subscribe = async function* ({ signal }) {
    const event = { ...EVENT, message: 'x'.repeat(100_000) }
    for (; !signal.aborted && taken < 10_000; taken += 1) yield { ...event, id: String(taken) }
  }
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  const response = await fetch(`${server.url}/api/events`)
  await pause(300)
  const before = taken
  assert.ok(before < 500, `${before} events of 100 kB were taken`)
  await pause(200)
  assert.equal(taken, before)
  await response.body?.cancel()
})

test('more streams than the limit are 429, and a closed one makes room', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps, { ...HTTP_LIMITS, maxStreams: 2 })
  await using server = await serveHttp(app, { port: 0 })
  const first = await fetch(`${server.url}/api/events`)
  await fetch(`${server.url}/api/events`)
  for (let i = 0; i < 5; i += 1) await fetch(`${server.url}/api/events`, { method: 'HEAD' })
  const third = await fetch(`${server.url}/api/events`)
  assert.equal(third.status, 429)
  assert.equal(FaultBody.parse(await third.json()).error.code, 'too_many_streams')
  await first.body?.cancel()
  await subscribed(deps, 1)
  assert.equal((await fetch(`${server.url}/api/events`)).status, 200)
})

test('one caller cannot take every stream from the others', async () => {
  const deps = api.deps()
  await using server = await serveHttp(createTokenApp(deps, { ...HTTP_LIMITS, maxStreamsOfCaller: 1 }), { port: 0 })
  const another = tokenOf(Buffer.alloc(TOKEN_BYTES, 'another'))
  const token = { name: 'another', scopes: ['read' as const], expires_in_days: null }
  await addToken(deps.db, { ...token, hash: tokenHash(another), createdBy: 'moose:test' })
  const first = await fetch(`${server.url}/api/events`)
  const second = await fetch(`${server.url}/api/events?settings=true`)
  assert.equal(second.status, 429)
  const fault = FaultBody.parse(await second.json()).error
  assert.deepEqual([fault.code, fault.details?.['max']], ['too_many_streams', 1])
  const other = await fetch(`${server.url}/api/events`, { headers: { authorization: `Bearer ${another}` } })
  assert.equal(other.status, 200)
  await first.body?.cancel()
  await subscribed(deps, 1)
  assert.equal((await fetch(`${server.url}/api/events`)).status, 200)
})

test('a stream whose source breaks says so at its end and keeps the reason to itself', async () => {
  const deps = api.deps()
  deps.feed.subscribe = async function* () {
    yield EVENT
    throw new Error('password is hunter2')
  }
  const { events } = await read(await createTokenApp(deps).request('/api/events'))
  assert.equal(events.length, 2)
  assert.deepEqual(lastOf(events).data, { reason: 'failed' })
})

test('who follows is told at once that the service stops, hears what still finishes, and then the end', async () => {
  await using api = await openApiHome()
  const deps = api.deps()
  const server = await serveHttp(createTokenApp(deps), { port: 0 })
  const id = await api.place({ status: 'in_progress', phase: 'proposing', attempt_history: [RUNNING] })
  let heard = 0
  const hears = (events: EventSourceMessage[]) => {
    if (events.at(-1)?.event === 'step_succeeded') heard += 1
    return false
  }
  const before = read(await fetch(`${server.url}/api/events`), hears)
  const following = read(await fetch(`${server.url}/api/work-orders/${id}/events?follow=attempt`), hears)
  await subscribed(deps, 2)
  await api.moose.orchestrator.drain(0)
  const after = read(await fetch(`${server.url}/api/events`), hears)
  await subscribed(deps, 3)
  await api.publish({ work_order_id: id, type: 'step_succeeded' })
  await until('each stream has heard of the step', () => heard >= 3)
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
  await using api = await openApiHome()
  const deps = api.deps()
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  await api.publish({ work_order_id: await api.place() })
  const response = await fetch(`${server.url}/api/events`)
  assert.ok(response.body)
  let said = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    said += chunk
    if (said.includes('"event 1"')) await api.moose.orchestrator.drain(0)
    if (said.includes('service_stopping') && said.endsWith('\n\n')) break
  }
  assert.ok(said.endsWith('event: service_stopping\nretry: 3000\ndata: {"retry_ms":3000}\n\n'), said)
})

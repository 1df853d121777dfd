/** Cases of the API: each first succeeds against a server without the guard, and not against Moose's. */
import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, beforeEach, test } from 'node:test'
import type { ApiAccess } from '../../src/config/api-settings.ts'
import { readConfig } from '../../src/config.ts'
import { WorkOrderResponse } from '../../src/contract/work-orders.ts'
import { createHttpApp } from '../../src/http/http-app.ts'
import { serveHttp } from '../../src/http/serve-http.ts'
import { openApiHome } from '../support/api-home.ts'
import { enterTestToken, TEST_TOKEN } from '../support/api-token.ts'
import { createTestDatabase } from '../support/database.ts'
import { listenOnLoopback } from '../support/loopback.ts'

const api = await openApiHome()
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

const ORDER = { title: 'Add a greeting', files_in_scope: ['src/greeting.ts'] }
const TOKEN = { Authorization: `Bearer ${TEST_TOKEN}` }
const posted = (body: unknown, headers: Record<string, string> = TOKEN) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

/** The app with other settings of access, and nothing else changed. */
function appWith(access: Partial<ApiAccess> = {}, changes: Parameters<typeof api.deps>[0] = {}) {
  const deps = api.deps(changes)
  return createHttpApp({ ...deps, config: { ...deps.config, api: { ...deps.config.api, ...access } } })
}

test('8: a body without end and 20,000 files are taken by a plain server, and are refused here', async () => {
  const taken: number[] = []
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    taken.push((await text(request)).length)
    response.end()
  }
  const server = createServer((request, response) => void take(request, response))
  await using plain = await listenOnLoopback(server)
  const files = Array.from({ length: 20_000 }, (_, index) => `${index}.txt`)
  const attacks = [
    { ...ORDER, description: 'x'.repeat(20_000_000) },
    { ...ORDER, files_in_scope: files },
  ]
  const app = appWith()
  const statuses: number[] = []
  for (const body of attacks) {
    await fetch(plain.origin, posted(body))
    statuses.push((await app.request('/api/work-orders', posted(body))).status)
  }
  assert.ok(taken.length === 2 && taken.every((length) => length > 100_000))
  assert.deepEqual(statuses, [413, 400])
})

test('25: without the guard anybody reads and stops, and without a token nobody does here', async () => {
  for (const [auth, status] of [
    [false, 200],
    [true, 401],
  ] as const) {
    const app = appWith({ auth })
    for (const path of ['/api/orchestrator', '/api/work-orders', '/api/events', '/metrics'])
      assert.equal((await app.request(path)).status, status, path)
    assert.equal((await app.request('/api/orchestrator/stop', { method: 'POST' })).status, status)
  }
})

test('26: a form of another page acts on a plain server and a rebinding host on one that lets its name in; neither does here', async () => {
  let acted = 0
  const server = createServer((_, response) => {
    acted += 1
    response.end()
  })
  await using plain = await listenOnLoopback(server)
  const form = { method: 'POST', headers: { Origin: 'https://evil.example' }, body: new URLSearchParams({ a: 'b' }) }
  await fetch(`${plain.origin}/api/orchestrator/stop`, form)
  assert.equal(acted, 1)
  const stop = (host: string, access: Partial<ApiAccess>, init: RequestInit) =>
    appWith(access).request(`http://${host}/api/orchestrator/stop`, { method: 'POST', ...init })
  assert.equal((await stop('127.0.0.1', {}, { ...form, headers: { ...form.headers, ...TOKEN } })).status, 403)
  const rebound = { headers: { Host: 'evil.example', ...TOKEN } }
  assert.equal((await stop('evil.example', { allowedHosts: ['evil.example'] }, rebound)).status, 200)
  assert.equal((await stop('evil.example', {}, rebound)).status, 403)
})

test('27: bound to every address an open API answers on any; a service with these settings does not start', async () => {
  await using open = await serveHttp(appWith({ auth: false, allowedHosts: ['127.0.0.2'] }), {
    port: 0,
    host: '0.0.0.0',
  })
  const asked = await fetch(`http://127.0.0.2:${open.port}/api/work-orders`)
  assert.equal(asked.status, 200)
  const { openMoose } = await import('../../src/app.ts')
  const { api: access, apiProblems } = readConfig({
    ...api.home.environment,
    MOOSE_HOST: '0.0.0.0',
    MOOSE_API_AUTH: 'off',
  })
  const config = { ...api.home.config, home: `${api.home.config.home}-none`, api: access, apiProblems }
  await assert.rejects(openMoose(config, { log: api.moose.api.log, role: 'service' }), { code: 'config_invalid' })
})

test('28: markup of a title is markup in a plain page, and inert data under a strict policy here', async () => {
  const title = '<img src=x onerror=alert(1)>'
  const naive = new Response(`<h1>${title}</h1>`, { headers: { 'content-type': 'text/html' } })
  assert.match(await naive.text(), /<h1><img src=x onerror/)
  assert.equal(naive.headers.get('content-security-policy'), null)
  const app = appWith()
  const filed = await app.request('/api/work-orders', posted({ ...ORDER, title }))
  const { id } = WorkOrderResponse.parse(await filed.json()).work_order
  for (const path of [`/api/work-orders/${id}`, `/${title}`]) {
    const shown = await app.request(path, { headers: TOKEN })
    assert.match(String(shown.headers.get('content-type')), /^application\/json/)
    assert.match(String(shown.headers.get('content-security-policy')), /^default-src 'none'/)
    assert.equal(shown.headers.get('x-content-type-options'), 'nosniff')
  }
})

test('29: a signature over a body that is parsed and written again fits other bytes, and here it does not', async () => {
  const secret = 'the-webhook-secret'
  const sign = (body: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  const [signed, sent] = ['{"a":1}', '{ "a": 1 }']
  const naive = (body: string, signature: string) => sign(JSON.stringify(JSON.parse(body))) === signature
  assert.equal(naive(sent, sign(signed)), true)
  const deps = api.deps()
  const githubSecrets = { ...deps.config.githubSecrets, webhook: secret }
  const app = createHttpApp({ ...deps, config: { ...deps.config, githubSecrets } })
  const send = async (body: string, signature: Record<string, string>) => {
    const event = { 'x-github-event': 'ping', 'x-github-delivery': randomUUID(), 'Content-Type': 'application/json' }
    return (await app.request('/api/webhooks/github', { method: 'POST', headers: { ...event, ...signature }, body }))
      .status
  }
  assert.equal(await send(sent, { 'x-hub-signature-256': sign(signed) }), 401)
  assert.equal(await send(sent, {}), 401)
  assert.equal(await send(sent, { 'x-hub-signature-256': sign(sent) }), 202)
})

test('30: an id of another database is found where both share one, and is unknown here', async () => {
  await using elsewhere = await createTestDatabase()
  await enterTestToken(elsewhere)
  const there = appWith({}, { db: elsewhere.db })
  const filed = await there.request('/api/work-orders', posted(ORDER))
  const { id } = WorkOrderResponse.parse(await filed.json()).work_order
  const asked = (app: typeof there, verb: string, method: string) =>
    app.request(`/api/work-orders/${id}${verb}`, { method, headers: TOKEN })
  assert.equal((await asked(there, '', 'GET')).status, 200)
  for (const [verb, method] of [
    ['', 'GET'],
    ['/approve', 'POST'],
    ['/cancel', 'POST'],
  ] as const)
    assert.equal((await asked(appWith(), verb, method)).status, 404, verb)
  assert.equal((await asked(there, '/approve', 'POST')).status, 200)
})

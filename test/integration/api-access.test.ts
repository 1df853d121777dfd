import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, beforeEach, test } from 'node:test'
import { reserve } from '../../src/budget/ledger.ts'
import { setLimit } from '../../src/budget/limits.ts'
import type { ApiAccess } from '../../src/config/api-settings.ts'
import { readConfig } from '../../src/config.ts'
import { NewTokenResponse, type Scope, TokensResponse } from '../../src/contract/api-token.ts'
import { FaultBody } from '../../src/contract/faults.ts'
import { WorkOrderResponse } from '../../src/contract/work-orders.ts'
import { addToken } from '../../src/db/api-tokens/api-tokens.ts'
import type { FaultCode } from '../../src/faults/fault.ts'
import { createHttpApp } from '../../src/http/http-app.ts'
import { ROUTE_NEEDS, scopeOf } from '../../src/http/route-needs.ts'
import { serveHttp } from '../../src/http/serve-http.ts'
import { Usd } from '../../src/money.ts'
import { TOKEN_BYTES, tokenHash, tokenOf } from '../../src/redaction/token-form.ts'
import { openApiHome } from '../support/api-home.ts'
import { enterTestToken, TEST_TOKEN } from '../support/api-token.ts'
import { createTestDatabase } from '../support/database.ts'
import { CALL } from '../support/ledger-rows.ts'
import { operations } from '../support/openapi-contract.ts'

const api = await openApiHome()
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

const ORDER = { title: 'Add a greeting', files_in_scope: ['src/greeting.ts'] }
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })
const json = (body: unknown, token?: string, method = 'POST') => ({
  method,
  headers: { 'Content-Type': 'application/json', ...(token === undefined ? {} : bearer(token)) },
  body: JSON.stringify(body),
})

/** The app with other settings of access, and nothing else changed. */
function appWith(access: Partial<ApiAccess> = {}, changes: Parameters<typeof api.deps>[0] = {}) {
  const deps = api.deps(changes)
  return createHttpApp({ ...deps, config: { ...deps.config, api: { ...deps.config.api, ...access } } })
}

const PROXY = { MOOSE_HOME: '/home/ada/moose', MOOSE_TRUSTED_PROXY: '127.0.0.0/8,X-Forwarded-User' }
const proxied = (settings: Record<string, string> = {}) => readConfig({ ...PROXY, ...settings }).api

async function refused(response: Response, status: number, code: FaultCode): Promise<Response> {
  const { error } = FaultBody.parse(await response.json())
  assert.deepEqual({ status: response.status, code: error.code }, { status, code }, error.message)
  return response
}

/** A token as somebody has it. */
async function tokenFor(name: string, scopes: Scope[], db = api.home.database.db): Promise<string> {
  const token = tokenOf(randomBytes(TOKEN_BYTES))
  const entry = { name: `${name}-${randomBytes(4).toString('hex')}`, scopes, expires_in_days: null }
  await addToken(db, { ...entry, hash: tokenHash(token), createdBy: 'moose:test' })
  return token
}

const pathOf = (path: string) => path.replace(/\{\w+\}/g, randomUUID())
const PROTECTED = operations().flatMap(({ method, path }) => {
  const scope = scopeOf(ROUTE_NEEDS[`${method} ${path}`] ?? 'read')
  return scope === null ? [] : [{ method, path, scope }]
})

/** Sends bytes as they are, and gives what comes back until the other end closes. */
async function raw(url: string, lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  return text(socket)
}

test('case 25: without a token every route is 401, status and event streams too; without the guard they answer', async () => {
  const before = await api.snapshot()
  await using open = await serveHttp(appWith({ auth: false }), { port: 0 })
  await using server = await serveHttp(appWith(), { port: 0 })
  for (const path of ['/api/orchestrator', '/api/work-orders', '/metrics']) {
    assert.equal((await fetch(open.url + path)).status, 200, path)
  }
  const stream = await fetch(`${open.url}/api/events`, { headers: { Accept: 'text/event-stream' } })
  assert.equal(stream.status, 200)
  await stream.body?.cancel()
  for (const { method, path } of PROTECTED) {
    for (const Accept of ['application/json', 'text/event-stream']) {
      const response = await fetch(server.url + pathOf(path), { method, headers: { Accept } })
      await refused(response, 401, 'unauthenticated')
      assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="moose"')
    }
  }
  assert.equal(await api.snapshot(), before)
  for (const path of ['/healthz', '/docs', '/openapi.json'])
    assert.equal((await fetch(server.url + path)).status, 200, path)
  for (const path of ['/nowhere', '/api/nowhere']) await refused(await fetch(server.url + path), 401, 'unauthenticated')
})

test('a token that is unknown, misspelt, expired, revoked or of another database is 401', async () => {
  const { db } = api.home.database
  await using server = await serveHttp(appWith(), { port: 0 })
  await using elsewhere = await createTestDatabase()
  const [expired, revoked] = [await tokenFor('expired', ['read']), await tokenFor('revoked', ['read'])]
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${server.url}/api/work-orders`, { headers })).status
  assert.deepEqual([await status(bearer(expired)), await status(bearer(revoked))], [200, 200])
  const past = new Date(Date.now() - 1_000)
  await db.updateTable('api_tokens').set({ expires_at: past }).where('hash', '=', tokenHash(expired)).execute()
  await db.updateTable('api_tokens').set({ revoked_at: past }).where('hash', '=', tokenHash(revoked)).execute()
  await using later = await serveHttp(appWith(), { port: 0 })
  const wrong = [
    expired,
    revoked,
    await tokenFor('foreign', ['read'], elsewhere.db),
    tokenOf(randomBytes(TOKEN_BYTES)),
    TEST_TOKEN.slice(0, -1),
    TEST_TOKEN.toLowerCase(),
    'x',
  ]
  for (const token of wrong) {
    const response = await fetch(`${later.url}/api/work-orders`, { headers: bearer(token) })
    assert.match(
      String((await refused(response, 401, 'unauthenticated')).headers.get('www-authenticate')),
      /invalid_token/,
    )
  }
  for (const Authorization of [TEST_TOKEN, `Basic ${TEST_TOKEN}`, `Bearer`, `Bearer ${TEST_TOKEN} x`]) {
    assert.equal(await status({ Authorization }), 401, Authorization)
  }
  assert.equal(await status({ Cookie: `token=${TEST_TOKEN}` }), 401)
  assert.equal((await fetch(`${later.url}/api/work-orders?token=${TEST_TOKEN}`)).status, 401)
  assert.equal(await status(bearer(TEST_TOKEN)), 200)
})

test('a revoked token is refused at once here, and by another process after two seconds', async () => {
  let ms = 0
  const clock = { now: () => new Date(Date.now() + ms), sleep: api.moose.api.clock.sleep }
  const [here, there] = [appWith(), appWith({}, { clock })]
  const asked = { headers: bearer(TEST_TOKEN) }
  const created = await here.request('/api/tokens', json({ name: 'leaver', scopes: ['read'] }, TEST_TOKEN))
  const { secret } = NewTokenResponse.parse(await created.json())
  const list = async (app: typeof here) => (await app.request('/api/work-orders', { headers: bearer(secret) })).status
  assert.deepEqual([await list(here), await list(there)], [200, 200])
  assert.equal((await here.request('/api/tokens/leaver', { ...asked, method: 'DELETE' })).status, 200)
  assert.equal(await list(here), 401)
  ms = 2_001
  assert.equal(await list(there), 401)
  await refused(await here.request('/api/tokens/leaver', { ...asked, method: 'DELETE' }), 404, 'not_found')
})

test('of a token only its hash is stored, and it is shown once', async () => {
  const app = appWith()
  const answer = await app.request(
    '/api/tokens',
    json({ name: 'once', scopes: ['file'], expires_in_days: 1 }, TEST_TOKEN),
  )
  const { secret, token } = NewTokenResponse.parse(await answer.json())
  assert.deepEqual([token.created_by, token.last_used_at, token.scopes], ['token:test', null, ['file']])
  assert.ok(token.expires_at !== null && new Date(token.expires_at) > new Date(Date.now() + 86_000_000))
  const again = await app.request('/api/tokens', json({ name: 'once', scopes: ['read'] }, TEST_TOKEN))
  await refused(again, 409, 'token_exists')
  assert.equal((await app.request('/api/work-orders', { headers: bearer(secret) })).status, 200)
  const listed = await (await app.request('/api/tokens', { headers: bearer(TEST_TOKEN) })).text()
  const used = TokensResponse.parse(JSON.parse(listed)).tokens.find(({ name }) => name === 'once')
  assert.match(String(used?.last_used_at), /^\d{4}-\d\d-\d\dT\d\d:00:00\.000Z$/)
  const { rows } = await api.home.database.pool.query<{ row: string }>('select t::text as row from api_tokens as t')
  for (const text of [listed, ...rows.map(({ row }) => row)])
    assert.ok(!text.includes(secret) && !text.includes(secret.slice(6, 40)))
})

test('a token is refused on every route that takes a scope it lacks, before anything is done', async () => {
  const deps = api.deps()
  const app = createHttpApp(deps)
  const before = await api.snapshot()
  for (const has of ['read', 'file', 'approve', 'operate'] as const) {
    const token = await tokenFor(has, [has])
    for (const { method, path, scope } of PROTECTED) {
      if (scope === 'read' || scope === has) continue
      const response = await app.request(pathOf(path), { method, headers: bearer(token) })
      assert.match(
        String((await refused(response, 403, 'scope_missing')).headers.get('www-authenticate')),
        new RegExp(`insufficient_scope", scope="${scope}"`),
      )
    }
    assert.equal((await app.request('/api/work-orders', { headers: bearer(token) })).status, 200, has)
  }
  assert.deepEqual(deps.told, [])
  assert.equal(await api.snapshot(), before)
})

test('who files cannot approve, raise what an order may cost, or make a token that can; who filed is kept', async () => {
  const app = appWith()
  const [filer, operator] = [await tokenFor('filer', ['file']), await tokenFor('operator', ['operate'])]
  const filed = await app.request('/api/work-orders', json(ORDER, filer))
  const { work_order: order } = WorkOrderResponse.parse(await filed.json())
  assert.match(String(order.filed_by), /^token:filer-/)
  const one = `/api/work-orders/${order.id}`
  const attacks = [
    () => app.request(`${one}/approve`, { method: 'POST', headers: bearer(filer) }),
    () => app.request('/api/work-orders', json({ ...ORDER, approved: true }, filer)),
    () => app.request('/api/work-orders', json({ work_orders: [ORDER, { ...ORDER, approved: true }] }, filer)),
    () => app.request(one, json({ budget_usd: 1_000 }, filer, 'PATCH')),
    () => app.request('/api/work-orders', json({ ...ORDER, budget_usd: 5.01 }, filer)),
    () => app.request('/api/work-orders', json({ work_orders: [ORDER, { ...ORDER, budget_usd: '1000' }] }, filer)),
    () => app.request('/api/tokens', json({ name: 'mine', scopes: ['file', 'approve'] }, filer)),
    () => app.request('/api/tokens', json({ name: 'mine', scopes: ['approve'] }, operator)),
  ]
  const before = await api.snapshot()
  for (const attack of attacks) await refused(await attack(), 403, 'scope_missing')
  assert.equal(await api.snapshot(), before)
  assert.equal((await app.request(one, json({ title: 'Add a polite greeting' }, filer, 'PATCH'))).status, 200)
  for (const budget_usd of [null, 0, 5, '5.00'])
    assert.equal((await app.request('/api/work-orders', json({ ...ORDER, budget_usd }, filer))).status, 201)
  await setLimit(api.home.database.db, 'order_cap', new Usd(3))
  const dearer = await app.request('/api/work-orders', json({ ...ORDER, budget_usd: 5 }, filer))
  assert.match(FaultBody.parse(await dearer.clone().json()).error.message, /^budget_usd over \$3\.00, .*"approve"/)
  await refused(dearer, 403, 'scope_missing')
  const director = await tokenFor('director', ['file', 'approve'])
  assert.equal((await app.request('/api/work-orders', json({ ...ORDER, budget_usd: 5 }, director))).status, 201)
  await setLimit(api.home.database.db, 'order_cap', null)
  assert.equal((await app.request('/api/work-orders', json({ ...ORDER, budget_usd: 5 }, filer))).status, 201, 'no cap')
  // Without the guard each of them is done.
  const open = appWith({ auth: false })
  assert.equal((await open.request('/api/work-orders', json({ ...ORDER, approved: true }))).status, 201)
  assert.equal((await open.request('/api/work-orders', json({ ...ORDER, budget_usd: 1_000 }))).status, 201)
  assert.equal((await open.request(one, json({ budget_usd: 1_000 }, undefined, 'PATCH'))).status, 200)
  const approver = await tokenFor('approver', ['approve'])
  const approved = await app.request(`${one}/approve`, { method: 'POST', headers: bearer(approver) })
  assert.equal(WorkOrderResponse.parse(await approved.json()).work_order.approved, true)
})

test('with operate alone an escalation raises the cap of an order up to that of any order, named or offered', async () => {
  const { db } = api.home.database
  const id = await api.place({ ...ORDER, approved: true, status: 'failed', attempts: 1 })
  await reserve(db, { ...CALL, workOrderId: id, attempt: null }, new Usd(3), null)
  const [operator, director] = [
    await tokenFor('operator', ['operate']),
    await tokenFor('director', ['operate', 'approve']),
  ]
  const decide = (body: object, token: string) => appWith().request(`/api/work-orders/${id}/decide`, json(body, token))
  const kept = async () =>
    await db.selectFrom('work_orders').select(['status', 'budget_usd']).where('id', '=', id).executeTakeFirstOrThrow()
  await setLimit(db, 'order_cap', new Usd(2))
  const status_reason = JSON.stringify({ code: 'check_failed', message: 'It failed.' })
  await db.updateTable('work_orders').set({ status_reason, budget_usd: '1' }).where('id', '=', id).execute()
  const before = await kept()
  const offered = await decide({ option: 'retry' }, operator)
  assert.match(
    FaultBody.parse(await offered.clone().json()).error.message,
    /^A cap of \$3\.00, over \$2\.00, the cap of any order, /,
  )
  await refused(offered, 403, 'scope_missing')
  await refused(await decide({ option: 'retry', budget_usd: 7 }, operator), 403, 'scope_missing')
  const changes = { title: 'Add a polite greeting', budget_usd: 7 }
  await refused(await decide({ option: 'amend', changes }, operator), 403, 'scope_missing')
  assert.deepEqual(await kept(), before)
  assert.equal((await decide({ option: 'retry' }, director)).status, 200)
  assert.deepEqual((await kept()).budget_usd, '3')
})

test('an edit raises the cap of an order over that of any order with approve alone, as an escalation does', async () => {
  const { db } = api.home.database
  const id = await api.place(ORDER)
  const operator = await tokenFor('operator', ['file', 'operate'])
  const director = await tokenFor('director', ['file', 'operate', 'approve'])
  const edit = (body: object, token: string) => appWith().request(`/api/work-orders/${id}`, json(body, token, 'PATCH'))
  await setLimit(db, 'order_cap', new Usd(2))
  const before = await api.snapshot()
  const dear = await edit({ title: 'Steal', budget_usd: 2.01 }, operator)
  assert.match(
    FaultBody.parse(await dear.clone().json()).error.message,
    /^A cap of \$2\.01, over \$2\.00, the cap of any order, /,
  )
  await refused(dear, 403, 'scope_missing')
  assert.equal(await api.snapshot(), before)
  for (const budget_usd of [2, '2.00', null]) assert.equal((await edit({ budget_usd }, operator)).status, 200)
  assert.equal((await edit({ budget_usd: 7 }, director)).status, 200)
  await setLimit(db, 'order_cap', null)
  assert.equal((await edit({ budget_usd: 9 }, operator)).status, 200, 'no cap')
})

test('plain SQL and calls within the process are somebody too', async () => {
  const within = await api.moose.http.fetch(new Request('http://127.0.0.1/api/work-orders', json(ORDER)))
  assert.match(String(WorkOrderResponse.parse(await within.json()).work_order.filed_by), /^os_user:.+/)
  const { rows } = await api.home.database.pool.query<{ filed_by: string }>(
    `insert into work_orders (title, description, risk_level) values ('x', '', 'low') returning filed_by`,
  )
  assert.match(String(rows[0]?.filed_by), /^database_role:.+/)
})

test('case 26: a wrong Host or Origin, a form and an upgrade are 403 or 415, also with a token', async () => {
  const deps = api.deps()
  await using server = await serveHttp(createHttpApp(deps), { port: 0 })
  const { host } = new URL(server.url)
  const token = `Authorization: Bearer ${TEST_TOKEN}`
  const stop = 'POST /api/orchestrator/stop HTTP/1.1'
  const events = 'GET /api/events HTTP/1.1'
  const own = [`Host: ${host}`, token, 'Connection: close']
  const form = ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 3', '', 'a=b']
  const attacks: [status: number, name: string, lines: string[]][] = [
    [403, 'a page on another origin', [stop, ...own, 'Origin: https://evil.example', 'Sec-Fetch-Site: cross-site']],
    [403, 'its preflight', ['OPTIONS /api/orchestrator/stop HTTP/1.1', ...own, 'Origin: https://evil.example']],
    [403, 'a page of another port', [stop, ...own, 'Origin: http://127.0.0.1:1', 'Sec-Fetch-Site: same-site']],
    [403, 'a target of another host', ['POST http://evil.example/api/orchestrator/stop HTTP/1.1', ...own]],
    [403, 'a rebinding host', [stop, 'Host: evil.example', token, 'Connection: close']],
    [
      403,
      'a rebinding host with its own origin',
      [stop, `Host: evil.example:1`, token, 'Connection: close', 'Origin: http://evil.example:1'],
    ],
    [
      403,
      'a foreign EventSource',
      [events, ...own, 'Accept: text/event-stream', 'Origin: https://evil.example', 'Sec-Fetch-Site: cross-site'],
    ],
    [
      403,
      'an EventSource that names no origin',
      [events, ...own, 'Accept: text/event-stream', 'Sec-Fetch-Site: cross-site'],
    ],
    [
      403,
      'a WebSocket',
      [
        events,
        `Host: ${host}`,
        token,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ],
    ],
    [403, 'a form of another site', [stop, ...own, 'Origin: https://evil.example', ...form]],
    [415, 'a form that names no origin', [stop, ...own, ...form]],
    [401, 'a form without a token', [stop, `Host: ${host}`, 'Connection: close', ...form]],
  ]
  for (const [status, name, lines] of attacks) {
    const answer = await within(raw(server.url, lines), name)
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), name)
    assert.doesNotMatch(answer, /access-control/i, name)
  }
  assert.deepEqual(deps.told, [])
  // The same request of a page of Moose itself acts.
  assert.match(
    await raw(server.url, [stop, ...own, `Origin: ${server.url}`, 'Sec-Fetch-Site: same-origin']),
    /^HTTP\/1\.1 200 /,
  )
  assert.deepEqual(deps.told, ['stop'])
  // And a rebinding host does where its name is let in.
  await using rebound = await serveHttp(appWith({ allowedHosts: ['evil.example'], auth: false }), { port: 0 })
  assert.match(await raw(rebound.url, [stop, 'Host: evil.example', 'Connection: close']), /^HTTP\/1\.1 200 /)
})

/** An answer that keeps the connection open would be waited for without end. */
async function within(answer: Promise<string>, name: string): Promise<string> {
  const late = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error(`no answer: ${name}`)), 20_000).unref(),
  )
  return await Promise.race([answer, late])
}

test('case 27: where others would reach it unprotected, no service starts and nothing is opened', async () => {
  const { config } = api.home
  const { openMoose } = await import('../../src/app.ts')
  const settings: Record<string, string>[] = [
    { MOOSE_HOST: '0.0.0.0' },
    { MOOSE_HOST: '::' },
    { MOOSE_HOST: '0.0.0.0', MOOSE_API_AUTH: 'off', MOOSE_TRUSTED_PROXY: '10.0.0.0/8,X-User' },
    { MOOSE_API_AUTH: 'off', MOOSE_TRUSTED_PROXY: '127.0.0.1/32,X-User' },
  ]
  for (const each of settings) {
    const { api: access, apiProblems } = readConfig({ ...api.home.environment, ...each })
    const opened = openMoose(
      { ...config, home: `${config.home}-none`, api: access, apiProblems },
      { log: api.moose.api.log, role: 'service' },
    )
    await assert.rejects(opened, (error: { code?: string }) => error.code === 'config_invalid')
  }
  // A proxy alone makes it start, and then nobody else gets in, with a token or without.
  await using server = await serveHttp(appWith(proxied({ MOOSE_TRUSTED_PROXY: '10.0.0.0/8,X-User' })), {
    port: 0,
    public: true,
  })
  await refused(await fetch(`${server.url}/api/work-orders`, { headers: bearer(TEST_TOKEN) }), 403, 'request_forbidden')
  await using trusted = await serveHttp(appWith(proxied()), { port: 0, public: true })
  assert.equal((await fetch(`${trusted.url}/api/work-orders`, { headers: bearer(TEST_TOKEN) })).status, 200)
})

test('a header of a trusted proxy says who it is, within the scopes of its users; of others it says nothing', async () => {
  await using server = await serveHttp(appWith(proxied({ MOOSE_TRUSTED_PROXY_SCOPES: 'file' })), { port: 0 })
  await using other = await serveHttp(appWith(proxied({ MOOSE_TRUSTED_PROXY: '10.0.0.0/8,X-Forwarded-User' })), {
    port: 0,
  })
  const user = { 'X-Forwarded-User': 'ada@example.org' }
  const file = (url: string, headers: Record<string, string>) =>
    fetch(`${url}/api/work-orders`, { ...json(ORDER), headers: { 'Content-Type': 'application/json', ...headers } })
  const filed = WorkOrderResponse.parse(await (await file(server.url, user)).json())
  assert.equal(filed.work_order.filed_by, 'proxy_user:ada@example.org')
  await refused(
    await fetch(`${server.url}/api/orchestrator/stop`, { method: 'POST', headers: user }),
    403,
    'scope_missing',
  )
  await refused(await file(other.url, user), 401, 'unauthenticated')
  for (const name of ['', ' ', 'eve, ada@example.org', 'x'.repeat(201)]) {
    await refused(await file(server.url, { 'X-Forwarded-User': name }), 401, 'unauthenticated')
  }
  await refused(
    await file(server.url, { ...user, ...bearer(tokenOf(randomBytes(TOKEN_BYTES))) }),
    401,
    'unauthenticated',
  )
})

test('case 28: markup in an order is data: no page is made of it, and no browser may run it', async () => {
  const app = appWith()
  const title = '<img src=x onerror=alert(1)><script>alert(2)</script>'
  const filed = await app.request('/api/work-orders', json({ ...ORDER, title }, TEST_TOKEN))
  const shown = await app.request(`/api/work-orders/${WorkOrderResponse.parse(await filed.json()).work_order.id}`, {
    headers: bearer(TEST_TOKEN),
  })
  assert.match(await shown.clone().text(), /onerror/)
  const missing = await app.request('/<img src=x onerror=alert(1)>', { headers: bearer(TEST_TOKEN) })
  for (const response of [shown, missing]) {
    assert.match(String(response.headers.get('content-type')), /^application\/json/)
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.match(String(response.headers.get('content-security-policy')), /^default-src 'none'; frame-ancestors 'none'/)
  }
  const page = await app.request('/docs')
  const policy = String(page.headers.get('content-security-policy'))
  assert.match(policy, /^default-src 'none'; script-src 'self';/)
  assert.doesNotMatch(policy, /unsafe|\*|https?:/)
})

test('case 29: a webhook takes no token, and a signature over its bytes', async () => {
  const deps = api.deps()
  const githubSecrets = { ...deps.config.githubSecrets, webhook: 'the-webhook-secret' }
  const app = createHttpApp({ ...deps, config: { ...deps.config, githubSecrets } })
  const headers = { 'x-github-event': 'ping', 'x-github-delivery': randomUUID(), 'Content-Type': 'application/json' }
  const send = (more: Record<string, string>) =>
    app.request('/api/webhooks/github', { method: 'POST', headers: { ...headers, ...more }, body: '{}' })
  const { createHmac } = await import('node:crypto')
  const signature = `sha256=${createHmac('sha256', 'the-webhook-secret').update('{}').digest('hex')}`
  for (const more of [
    {},
    bearer(TEST_TOKEN),
    { 'x-hub-signature-256': signature.replace(/.$/, (last) => (last === '0' ? '1' : '0')) },
  ]) {
    await refused(await send(more), 401, 'webhook_refused')
  }
  assert.equal((await send({ 'x-hub-signature-256': signature })).status, 202)
})

test('case 30: an id of another database is 404 here, and its token is nobody', async () => {
  await using elsewhere = await createTestDatabase()
  await enterTestToken(elsewhere)
  const there = appWith({}, { db: elsewhere.db })
  const filed = await there.request('/api/work-orders', json(ORDER, TEST_TOKEN))
  const { id } = WorkOrderResponse.parse(await filed.json()).work_order
  const own = await tokenFor('own', ['operate', 'approve', 'file'], elsewhere.db)
  assert.equal((await there.request(`/api/work-orders/${id}`, { headers: bearer(own) })).status, 200)
  const here = appWith()
  for (const path of ['', '/events', '/route']) {
    const response = await here.request(`/api/work-orders/${id}${path}`, {
      headers: { ...bearer(TEST_TOKEN), Accept: 'application/json' },
    })
    await refused(response, 404, 'work_order_not_found')
  }
  for (const verb of ['approve', 'reject', 'cancel', 'retry', 'merge', 'close']) {
    const acted = { method: 'POST', headers: bearer(TEST_TOKEN) }
    await refused(await here.request(`/api/work-orders/${id}/${verb}`, acted), 404, 'work_order_not_found')
  }
  await refused(await here.request(`/api/work-orders/${id}`, { headers: bearer(own) }), 401, 'unauthenticated')
})

test('too many requests of one caller are 429 with a time, and others are not held up', async () => {
  const app = appWith({ ratePerSecond: 1 })
  const [busy, quiet] = [await tokenFor('busy', ['read']), await tokenFor('quiet', ['read'])]
  const ask = (token: string) => app.request('/api/work-orders', { headers: bearer(token) })
  const answers = await Promise.all(Array.from({ length: 15 }, async () => await ask(busy)))
  const late = answers.filter(({ status }) => status === 429)
  assert.ok(late.length >= 3 && late.length <= 5, String(late.length))
  assert.equal(late[0]?.headers.get('retry-after'), '1')
  assert.equal((await ask(quiet)).status, 200)
})

test('guessing tokens is slowed down for an address, not for the tokens that are known', async () => {
  const app = appWith()
  const ask = (token: string) => app.request('/api/work-orders', { headers: bearer(token) })
  assert.equal((await ask(TEST_TOKEN)).status, 200)
  const statuses: number[] = []
  for (let guess = 0; guess < 40; guess += 1) statuses.push((await ask(tokenOf(randomBytes(TOKEN_BYTES)))).status)
  assert.deepEqual(
    statuses.slice(0, 19),
    statuses.slice(0, 19).map(() => 401),
  )
  assert.ok(statuses.filter((status) => status === 429).length >= 10, String(statuses))
  assert.equal((await ask(TEST_TOKEN)).status, 200)
})

test('more connections than a listener takes are dropped, and those that are open go on', async () => {
  await using server = await serveHttp(appWith(), { port: 0, maxConnections: 2 })
  const sockets: Socket[] = []
  for (let count = 0; count < 3; count += 1) {
    const socket = connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    sockets.push(socket)
  }
  const [first, , third] = sockets
  assert.ok(first !== undefined && third !== undefined)
  if (!third.destroyed) await once(third.resume(), 'close')
  first.write(`GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
  assert.match(await text(first), /^HTTP\/1\.1 200 /)
  for (const socket of sockets) socket.destroy()
})

test('the app for calls within the process asks who comes through a socket', async () => {
  await using server = await serveHttp(api.moose.http, { port: 0 })
  assert.equal((await api.moose.http.fetch(new Request('http://127.0.0.1/api/work-orders'))).status, 200)
  await refused(await fetch(`${server.url}/api/work-orders`), 401, 'unauthenticated')
})

test('while the database is away, a token that counted before still does', async () => {
  await using other = await createTestDatabase()
  await enterTestToken(other)
  let ms = 0
  const clock = { now: () => new Date(Date.now() + ms), sleep: api.moose.api.clock.sleep }
  const app = appWith({}, { db: other.db, clock })
  const metrics = async () => (await app.request('/metrics', { headers: bearer(TEST_TOKEN) })).status
  assert.equal(await metrics(), 200)
  await other.pool.query('alter table api_tokens rename to away')
  ms = 10_000
  assert.equal(await metrics(), 200)
  ms = 3_700_000
  assert.equal(await metrics(), 500)
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, beforeEach, test } from 'node:test'
import { LoginLinkResponse, SessionResponse } from '../../src/contract/session.ts'
import { WorkOrderResponse } from '../../src/contract/work-orders.ts'
import { addToken } from '../../src/db/api-tokens/api-tokens.ts'
import { createHttpApp } from '../../src/http/http-app.ts'
import type { HttpDeps } from '../../src/http/http-deps.ts'
import { serveHttp } from '../../src/http/serve-http.ts'
import { createSessions } from '../../src/http/sessions.ts'
import { TOKEN_BYTES, tokenHash, tokenOf } from '../../src/redaction/token-form.ts'
import { openApiHome } from '../support/api-home.ts'
import { TEST_TOKEN } from '../support/api-token.ts'
import { moose } from '../support/service-process.ts'

const api = await openApiHome()
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

const HOME_TOKEN = tokenOf(randomBytes(TOKEN_BYTES))
const ORDER = { title: 'Add a greeting', files_in_scope: ['src/greeting.ts'] }
const MINUTE_MS = 60_000
/** What a browser says of what the page itself sends. */
const BY_PAGE = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }
type App = ReturnType<typeof createHttpApp>

/** @param ms by how much the clock is ahead */
function appWith(changes: Partial<HttpDeps> = {}, ahead: { ms: number } = { ms: 0 }): App {
  const { clock } = api.moose.api
  const later = { ...clock, now: () => new Date(Date.now() + ahead.ms) }
  return createHttpApp(api.deps({ clock: later, homeToken: async () => HOME_TOKEN, ...changes }))
}

async function codeOf(app: App, token = TEST_TOKEN): Promise<string> {
  const made = await app.request('/api/sessions/links', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  assert.equal(made.status, 201)
  const { path } = LoginLinkResponse.parse(await made.json())
  assert.match(path, /^\/login#[\w-]{43}$/)
  return path.slice('/login#'.length)
}

const logIn = async (app: App, code: string) =>
  await app.request('/api/sessions', { method: 'POST', headers: BY_PAGE, body: JSON.stringify({ code }) })

/** The cookie as a browser sends it again. */
async function cookieOf(app: App, token?: string): Promise<string> {
  const opened = await logIn(app, await codeOf(app, token))
  assert.equal(opened.status, 200)
  return String(opened.headers.get('set-cookie')).split(';', 1)[0] ?? ''
}

const look = async (app: App, headers: Record<string, string>) =>
  (await app.request('/api/work-orders', { headers })).status

async function tokenFor(name: string, scopes: ('read' | 'file' | 'approve' | 'operate')[]): Promise<string> {
  const token = tokenOf(randomBytes(TOKEN_BYTES))
  const entry = { name: `${name}-${randomBytes(4).toString('hex')}`, scopes, expires_in_days: null }
  await addToken(api.home.database.db, { ...entry, hash: tokenHash(token), createdBy: 'moose:test' })
  return token
}

test('a link logs one browser in, once; the cookie cannot be read by code, and goes nowhere else', async () => {
  const app = appWith()
  const code = await codeOf(app)
  const opened = await logIn(app, code)
  const cookie = String(opened.headers.get('set-cookie'))
  assert.match(cookie, /^moose_session=[\w.-]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/)
  const { session } = SessionResponse.parse(await opened.json())
  assert.equal(session.actor.kind, 'token')
  assert.ok(session.expires_at !== null && Date.parse(session.expires_at) - Date.now() <= 12 * 60 * MINUTE_MS)
  const [value = ''] = cookie.split(';', 1)
  assert.equal(await look(app, { ...BY_PAGE, cookie: value }), 200)
  assert.equal((await logIn(app, code)).status, 401, 'a replayed link')
  const twice = await codeOf(app)
  const both = await Promise.all([logIn(app, twice), logIn(app, twice)])
  assert.deepEqual(new Set(both.map(({ status }) => status)), new Set([200, 401]))
})

test('under TLS the cookie is Secure and bound to the host', async () => {
  const app = appWith()
  const code = await codeOf(app)
  const headers = { ...BY_PAGE, origin: 'https://127.0.0.1', host: '127.0.0.1' }
  const init = { method: 'POST', headers, body: JSON.stringify({ code }) }
  const opened = await app.request('https://127.0.0.1/api/sessions', init, { secure: true, peer: '127.0.0.1' })
  assert.equal(opened.status, 200)
  assert.match(String(opened.headers.get('set-cookie')), /^__Host-moose_session=.*; HttpOnly; Secure; SameSite=Strict$/)
})

test('a link is over after two minutes, a session after twelve hours', async () => {
  const ahead = { ms: 0 }
  const app = appWith({}, ahead)
  const late = await codeOf(app)
  const cookie = await cookieOf(app)
  ahead.ms = 2 * MINUTE_MS + 1_000
  assert.equal((await logIn(app, late)).status, 401)
  assert.equal(await look(app, { ...BY_PAGE, cookie }), 200)
  ahead.ms = 12 * 60 * MINUTE_MS + 1_000
  assert.equal(await look(app, { ...BY_PAGE, cookie }), 401)
})

test('a session may do what its token may, acts in its name, and ends with it', async () => {
  const token = await tokenFor('filer', ['file'])
  const app = appWith()
  const cookie = await cookieOf(app, token)
  const send = async (path: string, body?: unknown) =>
    await app.request(path, {
      method: 'POST',
      headers: { ...BY_PAGE, cookie },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const filed = WorkOrderResponse.parse(await (await send('/api/work-orders', ORDER)).json()).work_order
  assert.match(String(filed.filed_by), /^token:filer-/)
  assert.equal((await send(`/api/work-orders/${filed.id}/approve`)).status, 403)
  assert.equal((await send('/api/sessions/links')).status, 403, 'a session makes no other')
  const acts = await api.home.database.db
    .selectFrom('audit_entries')
    .select(['act', 'actor_kind', 'actor_name'])
    .where('act', 'in', ['session.open', 'order.file'])
    .orderBy('seq', 'desc')
    .limit(2)
    .execute()
  const by = { actor_kind: 'token', actor_name: String(filed.filed_by).slice('token:'.length) }
  assert.deepEqual(acts, [
    { act: 'order.file', ...by },
    { act: 'session.open', ...by },
  ])
  await api.home.database.db
    .updateTable('api_tokens')
    .set({ revoked_at: new Date() })
    .where('hash', '=', tokenHash(token))
    .execute()
  const elsewhere = appWith()
  assert.equal(await look(elsewhere, { ...BY_PAGE, cookie }), 401)
})

test('a session outlives a restart, and ends where the token of the home is replaced or it is logged out', async () => {
  const app = appWith()
  const cookie = await cookieOf(app)
  assert.equal(await look(appWith(), { ...BY_PAGE, cookie }), 200)
  assert.equal(
    await look(appWith({ homeToken: async () => tokenOf(randomBytes(TOKEN_BYTES)) }), { ...BY_PAGE, cookie }),
    401,
  )
  assert.equal(await look(appWith({ homeToken: async () => null }), { ...BY_PAGE, cookie }), 401)
  const out = await app.request('/api/session', { method: 'DELETE', headers: { ...BY_PAGE, cookie } })
  assert.match(String(out.headers.get('set-cookie')), /^moose_session=; Max-Age=0/)
  assert.equal(await look(app, { ...BY_PAGE, cookie }), 401)
})

test('a page of another site, or of another port of this machine, does nothing with the cookie that a browser sends along', async () => {
  const cookie = await cookieOf(appWith())
  await using server = await serveHttp(appWith(), { port: 0 })
  const own = server.url
  const approve = async (headers: Record<string, string>, body: string | null = null) => {
    const id = await api.place({ approved: false })
    const { status } = await fetch(`${own}/api/work-orders/${id}/approve`, {
      method: 'POST',
      headers: { cookie, ...headers },
      body,
    })
    const { approved } = await api.detail(id)
    return { status, approved }
  }
  // What the page itself sends is what an attack would have to look like.
  assert.deepEqual(await approve({ ...BY_PAGE, origin: own }), { status: 200, approved: true })
  const foreign: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    // Another port is the same site for SameSite=Strict.
    { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'none' },
    { origin: 'null' },
    { origin: own },
    {},
  ]
  for (const headers of foreign) {
    const { status, approved } = await approve({ 'content-type': 'application/json', ...headers })
    assert.ok((status === 401 || status === 403) && !approved, JSON.stringify(headers))
  }
  // A form can send without asking, but no JSON.
  const form = { 'sec-fetch-site': 'same-origin', origin: own, 'content-type': 'text/plain' }
  assert.deepEqual(await approve(form, '{}'), { status: 415, approved: false })
  const rebound = { 'sec-fetch-site': 'same-origin', cookie, host: 'evil.example' }
  const app = appWith()
  assert.equal((await app.request('http://evil.example/api/work-orders', { headers: rebound })).status, 403)
})

test('a cookie that was changed, or sealed with another key, is nobody', async () => {
  const app = appWith()
  const cookie = await cookieOf(app)
  const [payload = '', seal = ''] = cookie.slice('moose_session='.length).split('.')
  const sealed = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const longer = Buffer.from(JSON.stringify({ ...sealed, until: sealed.until + 1 })).toString('base64url')
  const foreign = createSessions({ clock: api.moose.api.clock, secret: async () => 'another' })
  const made = await foreign.open(foreign.link(tokenHash(TEST_TOKEN)).code)
  assert.equal(await look(app, { ...BY_PAGE, cookie }), 200)
  for (const value of [
    `${longer}.${seal}`,
    `${payload}.`,
    `${payload}.${'A'.repeat(43)}`,
    '',
    '.',
    String(made?.cookie),
  ]) {
    assert.equal(await look(app, { ...BY_PAGE, cookie: `moose_session=${value}` }), 401, value)
  }
})

test('with MOOSE_API_AUTH=off there is nothing to log in to', async () => {
  const deps = api.deps()
  const app = createHttpApp({ ...deps, config: { ...deps.config, api: { ...deps.config.api, auth: false } } })
  const made = await app.request('/api/sessions/links', { method: 'POST' })
  assert.deepEqual(LoginLinkResponse.parse(await made.json()), {
    success: true,
    path: '/',
    page_url: null,
    expires_at: null,
  })
  const { session } = SessionResponse.parse(await (await app.request('/api/session')).json())
  assert.deepEqual([session.actor.kind, session.expires_at], ['os_user', null])
})

test('a link of another site leads to the page, which holds nothing, and to nothing else', async () => {
  const app = appWith()
  const followed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  for (const path of ['/', '/login', '/orders', '/orders/1a2b3c4d']) {
    const page = await app.request(path, { headers: followed })
    assert.equal(page.status, 200, `${path}: built by scripts/setup`)
    const policy = String(page.headers.get('content-security-policy'))
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; .*frame-ancestors 'none'/)
    assert.doesNotMatch(await page.text(), /<script>|<style|style="|https?:\/\//)
  }
  assert.equal((await app.request('/', { headers: { ...followed, 'sec-fetch-mode': 'no-cors' } })).status, 403)
  for (const path of ['/api/work-orders', '/docs']) {
    assert.equal((await app.request(path, { headers: followed })).status, 403, path)
  }
  for (const path of ['/assets/nothing.js', '/assets/..%2Findex.html', '/assets/.made-of', '/assets/x.map']) {
    assert.equal((await app.request(path)).status, 404, path)
  }
})

test('moose open prints a link to the running service, and says so where none is up', async () => {
  const { environment } = api.home
  const without = await moose(environment, 'open')
  assert.equal(without.exitCode, 1)
  assert.match(without.stderr, /No service is up for .* Start one with: .*moose up --start/)
  const app = appWith()
  await using _served = await api.serve({ ...api.deps(), homeToken: async () => HOME_TOKEN })
  const opened = await moose(environment, 'open', '--json')
  assert.equal(opened.exitCode, 0, opened.stderr)
  const { url } = JSON.parse(opened.stdout)
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/login#[\w-]{43}$/)
  const body = JSON.stringify({ code: new URL(url).hash.slice(1) })
  const send = { method: 'POST', headers: BY_PAGE, body }
  assert.equal((await fetch(new URL('/api/sessions', url), send)).status, 200)
  assert.equal((await app.request('/api/sessions', send)).status, 401, 'a link of another process')
})

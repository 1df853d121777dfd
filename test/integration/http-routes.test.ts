import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { after, beforeEach, test } from 'node:test'
import { leaveUnresolved, reserve } from '../../src/budget/ledger.ts'
import { FaultBody } from '../../src/contract/faults.ts'
import { ExecuteResponse, OrchestratorStatusResponse, StartResponse } from '../../src/contract/orchestrator.ts'
import { LoginLinkResponse } from '../../src/contract/session.ts'
import { WorkOrderResponse, WorkOrdersResponse } from '../../src/contract/work-orders.ts'
import { serveHttp } from '../../src/http/serve-http.ts'
import { Usd } from '../../src/money.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { CALL, NOBODY, project } from '../support/ledger-rows.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { startModelServer } from '../support/model-server.ts'
import { assertConforms, operations } from '../support/openapi-contract.ts'

const ORDER = { title: 'Add a greeting', files_in_scope: ['src/greeting.ts'] }
const answerOf = (task: string, file: string) => ({
  task,
  turn: 1,
  text: `### write ${file}\n\`\`\`\nexport const greeting = "hello"\n\`\`\`\n`,
})
/** Orders that can be carried out, each once: what is merged is no change any more. */
const ORDERS = Array.from({ length: 10 }, (_, n) => ({ title: `Add greeting ${n}`, file: `src/greeting-${n}.ts` }))
const SECRET = 'the-webhook-secret'
const api = await openApiHome({
  role: 'service',
  files: { 'src/greeting.ts': '' },
  answers: [answerOf(ORDER.title, 'src/greeting.ts'), ...ORDERS.map(({ title, file }) => answerOf(title, file))],
  settings: { MOOSE_GITHUB_WEBHOOK_SECRET: SECRET },
})
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

const post = (body: unknown) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
})

/** A body that each route takes. */
const BODIES: Record<string, unknown> = {
  addWorkOrders: ORDER,
  editWorkOrder: { title: 'Add a greeting, politely' },
  checkWorkOrders: { work_orders: [ORDER, { title: '' }] },
  rejectWorkOrder: { reason: 'not now' },
  addProject: { name: 'shop', repository: api.home.remote.path },
  startOrchestrator: { interval_ms: 500 },
  routeWorkOrder: {
    work_order_id: '1',
    task_description: 'Add a greeting',
    complexity_score: 0,
    approved_by_director: true,
  },
  setCap: { target: 'day', usd: '120.50' },
  settleReservation: { cost_usd: 0 },
  reconcileBill: {
    entries: [{ request_id: 'x', cost_usd: 1 }],
    complete_until: '2026-01-31T00:00:00Z',
    provider: 'openai',
  },
  setPrice: { free: true },
  addProposer: { name: 'added', kind: 'openai', model: 'm', price: { free: true } },
  editProposer: { complexity_threshold: 1 },
  receiveGitHubWebhook: {},
  createToken: { name: 'planner', scopes: ['file'] },
  editProject: { budget_usd: '5' },
  approveWorkOrders: { project: 'sample', risk: 'high' },
  decideWorkOrder: { option: 'abort' },
  addNotificationEndpoint: { name: 'ops', url: 'https://example.com/' },
  setPlaces: { max_concurrent: 4 },
  controlOrchestrator: { action: 'stop' },
  proposeChange: {
    task_description: 'Add a greeting',
    context: ['src/greeting.ts'],
    expected_output_type: 'code',
    metadata: { project: 'sample' },
  },
}

/** Routes that do not know them do not look at them. */
const WEBHOOK_HEADERS = {
  'X-GitHub-Event': 'ping',
  'X-GitHub-Delivery': '1',
  'X-Hub-Signature-256': `sha256=${createHmac('sha256', SECRET).update('{}').digest('hex')}`,
}
const QUERIES: Record<string, string> = { decideRetry: '?work_order_id=1&current_proposer=scripted&attempt=1' }

/** What is named in the path; of the others a proposer. */
const NAMES: Record<string, string> = {
  checkProject: 'sample',
  listProjectFiles: 'sample',
  getProject: 'sample',
  editProject: 'sample',
  resumeProject: 'sample',
  removeProject: 'spare',
  // Made by createToken before.
  revokeToken: 'planner',
  removeNotificationEndpoint: 'ops',
  testNotificationEndpoint: 'hooks',
}

/** An approved order that can be carried out. */
function ready(): Promise<string> {
  const order = ORDERS.shift()
  assert.ok(order !== undefined)
  return api.place({ title: order.title, files_in_scope: [order.file], approved: true })
}

/** An order whose pull request is open. */
async function inReview(): Promise<string> {
  const id = await ready()
  await api.moose.orchestrator.execute(id, new AbortController().signal)
  return id
}

/** An order whose pull request Moose keeps its hands off. */
async function handsOff(): Promise<string> {
  const id = await inReview()
  await api.moose.db
    .updateTable('pull_requests')
    .set({ hands_off: 'f'.repeat(40) })
    .where('work_order_id', '=', id)
    .execute()
  return id
}

/** A call whose price is not known. */
async function unresolved(): Promise<string> {
  const id = await reserve(api.moose.db, { ...CALL, ...NOBODY }, new Usd(1))
  await leaveUnresolved(api.moose.db, id)
  return id
}

/** Proposers for routes that take one away, or call its model; for the others the one that is there. */
const PROPOSERS: Record<string, string> = { removeProposer: 'gpt-4o-mini', testProposer: 'stand-in' }

/** Orders that each route can act on; of the others any pending one. */
const PLACES: Record<string, () => Promise<string>> = {
  retryWorkOrder: () => api.place({ status: 'failed' }),
  async decideWorkOrder() {
    const id = await api.place({ status: 'failed' })
    await api.moose.db
      .insertInto('order_escalations')
      .values({ work_order_id: id, attempt: 0, cause: 'unknown' })
      .execute()
    return id
  },
  verifyWorkOrder: inReview,
  adoptWorkOrder: handsOff,
  mergeWorkOrder: inReview,
  closeWorkOrder: inReview,
  executeWorkOrder: ready,
  settleReservation: unresolved,
  async getTry() {
    const id = await api.place()
    const call = { proposer: 'scripted', provider: 'replay', model: 'scripted', replayed: true, finish_reason: 'stop' }
    const counts = { input_tokens: 1, output_tokens: 1, cost_usd: '0', duration_ms: 1, started_at: new Date() }
    await api.moose.db
      .insertInto('model_calls')
      .values({ work_order_id: id, attempt: 1, ...call, ...counts })
      .execute()
    return id
  },
  async removeProject() {
    await project(api.home.database, 'spare')
    return api.place()
  },
}

async function loginCode(url: string): Promise<string> {
  const made = await fetch(`${url}/api/sessions/links`, { method: 'POST' })
  return LoginLinkResponse.parse(await made.json()).path.slice('/login#'.length)
}

test('every route of the contract answers over a socket as it declares', async () => {
  const deps = api.deps({ homeToken: async () => 'that of this home' })
  await using server = await serveHttp(createTokenApp(deps), { port: 0 })
  await using provider = await startModelServer({ kind: 'text', text: 'ready' })
  const row = { name: 'stand-in', provider: 'openai-compatible', model: 'm', base_url: provider.url, active: false }
  const free = JSON.stringify({ free: true })
  await api.moose.db
    .insertInto('proposer_configs')
    .values({ ...row, complexity_threshold: 1, cost_profile: free })
    .execute()
  await using hooks = await listenOnLoopback(createServer((_request, answer) => answer.end()))
  await api.moose.db
    .insertInto('notification_endpoints')
    .values({ name: 'hooks', format: 'slack', url: hooks.origin, secret: null, kinds: ['test'], created_by: 'test' })
    .execute()
  for (const { method, path, operation } of operations()) {
    // An approved order would be taken on.
    if (operation.operationId === 'startOrchestrator') await api.clear()
    const place = PLACES[operation.operationId] ?? (() => api.place())
    const id = await place()
    const made: Record<string, () => object | Promise<object>> = {
      executeWorkOrder: () => ({ work_order_id: id }),
      openSession: async () => ({ code: await loginCode(server.url) }),
    }
    const body =
      made[operation.operationId] === undefined ? BODIES[operation.operationId] : await made[operation.operationId]?.()
    const response = await fetch(
      server.url +
        path
          .replace('{id}', id)
          .replace('{name}', { ...PROPOSERS, ...NAMES }[operation.operationId] ?? 'scripted')
          .replace('{reservation_id}', id)
          .replace('{table}', 'days')
          .replaceAll(/\{(?:attempt|number)\}/g, '1') +
        (QUERIES[operation.operationId] ?? ''),
      {
        method,
        headers: {
          Accept: 'application/json',
          ...WEBHOOK_HEADERS,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    )
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${response.ok ? '' : await response.text()}`)
    await assertConforms(method, path, response)
  }
})

test('the four orchestrator endpoints of the specification answer with its fields', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const { status } = OrchestratorStatusResponse.parse(await (await app.request('/api/orchestrator')).json())
  assert.deepEqual(
    [
      'polling',
      'interval_ms',
      'executing_count',
      'executing_work_orders',
      'last_poll',
      'total_executed',
      'errors',
    ].filter((field) => !(field in status)),
    [],
  )
  assert.deepEqual(await (await app.request('/api/orchestrator/start', { method: 'POST' })).json(), {
    success: true,
    message: 'Orchestrator polling started',
    interval_ms: 10_000,
  })
  const faster = await app.request('/api/orchestrator/start', post({ interval_ms: 250 }))
  assert.equal(StartResponse.parse(await faster.json()).interval_ms, 250)
  assert.deepEqual(await (await app.request('/api/orchestrator/stop', { method: 'POST' })).json(), {
    success: true,
    message: 'Orchestrator polling stopped',
  })
  const id = await ready()
  const executed = await app.request('/api/orchestrator/execute', post({ work_order_id: id.slice(0, 8) }))
  const { result } = ExecuteResponse.parse(await executed.json())
  assert.deepEqual([result.work_order_id, result.pr_number], [id, 1])
  assert.deepEqual(deps.told, ['start null', 'start 250', 'stop', `execute ${id}`])
})

test('life F5: start and stop in one route, as the first Moose has it', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const controlled = async (body: unknown) => (await app.request('/api/orchestrator', post(body))).json()
  assert.deepEqual(await controlled({ action: 'start', interval_ms: 250 }), {
    success: true,
    message: 'Orchestrator polling started',
    interval_ms: 250,
  })
  assert.deepEqual(await controlled({ action: 'stop' }), { success: true, message: 'Orchestrator polling stopped' })
  assert.equal((await app.request('/api/orchestrator', post({ action: 'restart' }))).status, 400)
  assert.equal((await app.request('/api/orchestrator', post({}))).status, 400)
  assert.deepEqual(deps.told, ['start 250', 'stop'])
})

test('one order comes back as one, a list as a list, with the defaults filled in', async () => {
  const app = createTokenApp(api.deps())
  const one = await app.request('/api/work-orders', post(ORDER))
  assert.equal(one.status, 201)
  const { work_order } = WorkOrderResponse.parse(await one.json())
  assert.equal(work_order.risk_level, 'medium')
  assert.equal(work_order.approved, false)
  const many = await app.request('/api/work-orders', post({ work_orders: [ORDER, { ...ORDER, approved: true }] }))
  assert.equal(many.status, 201)
  const { work_orders } = WorkOrdersResponse.parse(await many.json())
  assert.deepEqual(
    work_orders.map((order) => order.approved),
    [false, true],
  )
})

test('each action answers with the order as it stands afterwards', async () => {
  const app = createTokenApp(api.deps())
  const act = async (id: string, action: string, init: RequestInit = { method: 'POST' }) => {
    const response = await app.request(`/api/work-orders/${id}/${action}`, init)
    return WorkOrderResponse.parse(await response.json()).work_order
  }
  const merged = await inReview()
  assert.equal((await act(merged, 'merge')).status, 'completed')
  const closed = await inReview()
  assert.equal((await act(closed, 'close')).status, 'cancelled')
  assert.equal((await act(closed, 'retry')).status, 'pending')
  assert.equal((await act(closed, 'cancel')).status, 'cancelled')
  const id = await api.place()
  assert.equal((await act(id, 'approve')).approved, true)
  assert.equal((await act(id, 'reject')).metadata['rejection_reason'], null)
  const reason = post({ reason: 'too risky' })
  assert.deepEqual((await act(await api.place(), 'reject', reason)).metadata, {
    approved_by_director: false,
    rejection_reason: 'too risky',
  })
})

test('an approval that states a content is of that content; one that states none is of what there is', async () => {
  const app = createTokenApp(api.deps())
  const id = await api.place()
  const approve = (body?: unknown) =>
    app.request(`/api/work-orders/${id}/approve`, body === undefined ? { method: 'POST' } : post(body))
  const { content_sha256 } = await api.detail(id)
  const other = await approve({ content_sha256: 'a'.repeat(64) })
  const { error } = FaultBody.parse(await other.json())
  assert.deepEqual([other.status, error.code], [409, 'work_order_conflict'])
  assert.deepEqual(error.details, { id, content_sha256 })
  assert.equal((await approve({ content_sha256: 'A'.repeat(64) })).status, 400)
  assert.equal((await api.detail(id)).approved, false)
  for (const body of [{ content_sha256 }, {}, undefined]) assert.equal((await approve(body)).status, 200)
  assert.deepEqual(
    (await api.orders()).map((order) => [order.approved, 'content_sha256' in order]),
    [[true, false]],
  )
})

test('an empty body with a JSON content type counts as no body', async () => {
  await using server = await serveHttp(createTokenApp(api.deps()), { port: 0 })
  const headers = { 'Content-Type': 'application/json' }
  const started = await fetch(`${server.url}/api/orchestrator/start`, { method: 'POST', headers })
  assert.equal(started.status, 200)
  const added = await fetch(`${server.url}/api/work-orders`, { method: 'POST', headers })
  assert.equal(added.status, 400)
})

test('the list is filtered by its query', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  await api.place({ status: 'failed' })
  await api.place()
  const response = await app.request('/api/work-orders?status=failed&limit=1')
  const { work_orders } = WorkOrdersResponse.parse(await response.json())
  assert.deepEqual(
    work_orders.map((order) => order.status),
    ['failed'],
  )
})

test('the docs page is served from this machine alone, without inline code', async () => {
  const app = createTokenApp(api.deps())
  const page = await app.request('/docs')
  const html = await page.text()
  assert.doesNotMatch(html, /https?:\/\/|<script>|<style|\son\w+=/)
  assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'self';.*frame-ancestors 'none'/)
  for (const [, file] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    const asset = await app.request(String(file))
    assert.equal(asset.status, 200, file)
    assert.ok((await asset.arrayBuffer()).byteLength > 50, file)
    assert.equal(asset.headers.get('x-content-type-options'), 'nosniff')
  }
  assert.equal((await app.request('/docs/package.json')).status, 404)
  assert.equal((await app.request('/docs/..%2fpackage.json')).status, 404)
})

test('an order is edited field by field, and the answer says that the approval is gone', async () => {
  const deps = api.deps()
  const app = createTokenApp(deps)
  const id = await api.place({ approved: true, description: 'as it was' })
  const answer = await app.request(`/api/work-orders/${id}`, {
    ...post({ title: ' Greet ', files_in_scope: ['src/', 'a.ts'] }),
    method: 'PATCH',
  })
  const { work_order } = WorkOrderResponse.parse(await answer.json())
  assert.deepEqual(
    [work_order.title, work_order.files_in_scope, work_order.description, work_order.approved],
    ['Greet', ['src/', 'a.ts'], 'as it was', false],
  )
})

test('the documentation is found with and without a slash at the end', async () => {
  const app = createTokenApp(api.deps())
  const redirected = await app.request('/docs/')
  assert.deepEqual([redirected.status, redirected.headers.get('location')], [302, '/docs'])
  assert.equal((await app.request('/docs')).status, 200)
})

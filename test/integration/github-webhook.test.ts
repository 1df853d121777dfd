import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, beforeEach, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openMoose } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import type { PullRequestHint } from '../../src/contract/github-webhook.ts'
import { OrchestratorStatusResponse } from '../../src/contract/orchestrator.ts'
import { takeDelivery } from '../../src/db/github-deliveries.ts'
import { createLog } from '../../src/log.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { createTestDatabase } from '../support/database.ts'
import { startGitHub } from '../support/github/github-server.ts'
import { MAINTAINER } from '../support/github/graphql.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'

const SECRET = 'it-is-a-secret-of-this-test'
const sign = (body: string, secret = SECRET) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
const repository = { html_url: 'https://github.com/acme/shop' }
const repositoryUrl = repository.html_url
const BODY = JSON.stringify({ action: 'closed', repository, pull_request: { number: 7, title: 'Grüße 🦌' } })

function request(headers: Record<string, string>, body = BODY): Request {
  const all = {
    'content-type': 'application/json',
    'x-github-event': 'pull_request',
    'x-github-delivery': 'd-1',
    'x-hub-signature-256': sign(body),
    ...headers,
  }
  return new Request('http://127.0.0.1/api/webhooks/github', { method: 'POST', headers: all, body })
}

const api = await openApiHome({ settings: { MOOSE_GITHUB_WEBHOOK_SECRET: SECRET } })
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

function app() {
  const deps = api.deps()
  const hints: PullRequestHint[] = []
  deps.orchestrator.hintAtPullRequest = (hint) => void hints.push(hint)
  return { http: createTokenApp(deps), hints }
}

test('a signed webhook is a hint at its pull request; a replay is none', async () => {
  const { http, hints } = app()
  const first = await http.fetch(request({}))
  assert.deepEqual([first.status, await first.json()], [202, { success: true, accepted: true }])
  const again = await http.fetch(request({}))
  assert.deepEqual([again.status, await again.json()], [202, { success: true, accepted: false }])
  assert.deepEqual(hints, [{ repositoryUrl, numbers: [7], branches: [] }])
})

const suite = { head_branch: 'feature/x', pull_requests: [{ number: 3 }, { number: 4 }] }
const EVENTS: readonly (readonly [string, object, Pick<PullRequestHint, 'numbers' | 'branches'> | null])[] = [
  ['pull_request_review', { pull_request: { number: 7 }, review: {} }, { numbers: [7], branches: [] }],
  ['check_suite', { check_suite: suite }, { numbers: [3, 4], branches: ['feature/x'] }],
  ['check_run', { check_run: { check_suite: suite } }, { numbers: [3, 4], branches: ['feature/x'] }],
  ['check_suite', { check_suite: { head_branch: null, pull_requests: [] } }, null],
  [
    'check_suite',
    { check_suite: { head_branch: null, pull_requests: [{ number: 5 }] } },
    { numbers: [5], branches: [] },
  ],
  ['check_suite', { check_suite: { head_branch: 'x', pull_requests: null } }, { numbers: [], branches: ['x'] }],
  ['status', { sha: 'x', branches: [{ name: 'a' }, { name: 'b' }] }, { numbers: [], branches: ['a', 'b'] }],
  ['push', { ref: 'refs/heads/feature/y' }, { numbers: [], branches: ['feature/y'] }],
  ['push', { ref: 'refs/tags/v1' }, null],
  ['ping', { zen: 'Keep it logically awesome.', hook_id: 1, hook: {} }, null],
  ['issue_comment', { issue: { number: 7, pull_request: {} } }, null],
  ['pull_request', { pull_request: { number: 'seven' } }, null],
  ['an_event_of_tomorrow', { pull_request: 7 }, null],
]
for (const [event, body, named] of EVENTS) {
  test(`${event} ${JSON.stringify(body).slice(0, 60)} is taken and hints at ${JSON.stringify(named)}`, async () => {
    const { http, hints } = app()
    const text = JSON.stringify({ repository, ...body })
    const response = await http.fetch(request({ 'x-github-event': event, 'x-hub-signature-256': sign(text) }, text))
    assert.equal(response.status, 202)
    assert.deepEqual(hints, named === null ? [] : [{ repositoryUrl, ...named }])
  })
}

test('the other content type GitHub offers is refused with the word what to choose', async () => {
  const { http, hints } = app()
  const body = `payload=${encodeURIComponent(BODY)}`
  const response = await http.fetch(request({ 'content-type': 'application/x-www-form-urlencoded' }, body))
  assert.equal(response.status, 415)
  assert.match(await response.text(), /application\/json/)
  assert.deepEqual(hints, [])
})

const UNSIGNED: readonly (readonly [string, Record<string, string>])[] = [
  ['none', { 'x-hub-signature-256': '' }],
  ['of another secret', { 'x-hub-signature-256': sign(BODY, 'another secret') }],
  ['of other bytes', { 'x-hub-signature-256': sign(`${BODY} `) }],
  ['cut short', { 'x-hub-signature-256': sign(BODY).slice(0, -1) }],
  ['the old kind', { 'x-hub-signature-256': `sha1=${'0'.repeat(40)}` }],
]
for (const [name, headers] of UNSIGNED) {
  test(`a signature that is ${name} is refused with 401`, async () => {
    const { http, hints } = app()
    const response = await http.fetch(request(headers))
    assert.equal(response.status, 401)
    assert.deepEqual(hints, [])
  })
}

test('what is signed but malformed is refused with 400; without a secret there is no such route', async () => {
  const { http } = app()
  assert.equal((await http.fetch(request({ 'x-github-event': '' }))).status, 400)
  assert.equal((await http.fetch(request({}, '[]'))).status, 400)
  assert.equal((await http.fetch(request({}, 'no json'))).status, 400)
  const config = { ...api.home.config, githubSecrets: { ...api.home.config.githubSecrets, webhook: null } }
  assert.equal((await createTokenApp(api.deps({ config })).fetch(request({}))).status, 404)
})

test('a delivery is taken once, also by two processes at once', async () => {
  await using database = await createTestDatabase()
  const takes = await Promise.all([1, 2, 3].map(() => takeDelivery(database.db, { id: 'x', event: 'push' })))
  assert.deepEqual(takes.filter(Boolean), [true])
})

test('an order approved by SQL becomes a pull request on GitHub, and a webhook of its merge completes it', async (t: TestContext) => {
  if (toolOrSkip(t, 'gh') === null || toolOrSkip(t, 'openssl') === null) return
  const text = '### write greeting.txt\n```\nhello, world\n```\n'
  await using home = await createMooseHome({ 'greeting.txt': 'hello\n' }, [{ task: 'Greet', turn: 1, text }])
  await using github = await startGitHub(home.remote)
  const repository = 'https://github.com/acme/shop.git'
  await home.database.db.updateTable('projects').set({ repository, forge: 'github' }).execute()
  const config = readConfig({
    ...home.environment,
    ...github.network,
    GH_TOKEN: github.token,
    MOOSE_GITHUB_WEBHOOK_SECRET: SECRET,
    MOOSE_TRACK_INTERVAL_MS: '3600000',
  })
  await using moose = await openMoose(config, { log: createLog('silent'), role: 'service' })
  const id = await fileOrder(home.database, { title: 'Greet', files: ['greeting.txt'] })
  await moose.orchestrator.start(null)
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const [pull] = github.state.pulls
  assert.ok(pull !== undefined)
  const short = id.slice(0, 8)
  assert.deepEqual(
    [pull.head, pull.title, pull.labels],
    [`feature/wo-${short}-greet`, `WO-${short}: Greet`, ['moose', 'risk: high']],
  )
  assert.match(pull.body, new RegExp(`<!-- moose:wo=${id} attempt=1 -->$`))
  assert.equal(order.github_pr_url, 'https://github.com/acme/shop/pull/1')
  const { mergeSha } = await github.state.merge(1, 'squash')
  const body = JSON.stringify({ repository: { html_url: 'https://github.com/acme/shop' }, pull_request: { number: 1 } })
  assert.equal((await moose.http.fetch(request({}, body))).status, 202)
  for (let waited = 0; waited < 100 && (await detailOf(moose, id)).status !== 'completed'; waited += 1) await delay(100)
  const done = await detailOf(moose, id)
  assert.deepEqual([done.status, done.metadata['merge_sha']], ['completed', mergeSha])
  assert.deepEqual(await home.remote.branches(), ['main'])
  assert.deepEqual(done.pull_request?.merged_by, { is: 'person', name: MAINTAINER })
  const acts = await moose.db
    .selectFrom('audit_entries')
    .selectAll()
    .where('work_order_id', '=', id)
    .orderBy('seq')
    .execute()
  assert.deepEqual(acts.map(({ act, actor_kind: kind, actor_name: name }) => `${act} ${kind}:${name}`).slice(2), [
    `pull_request.merge forge_login:${MAINTAINER}`,
  ])
  const response = await moose.http.fetch(new Request('http://127.0.0.1/api/orchestrator'))
  const { status } = OrchestratorStatusResponse.parse(await response.json())
  assert.equal(status.github.tracked_pull_requests, 0)
  assert.equal(status.github.api_calls_last_hour, github.apiCalls())
  assert.ok((await moose.doctor(null)).some(({ name, state }) => name === 'github sample' && state === 'ok'))
})

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { Fault } from '../../src/faults/fault.ts'
import { createLog } from '../../src/log.ts'
import { createGateway } from '../../src/models/gateway.ts'
import { serveGateway } from '../../src/models/gateway-server.ts'
import { createModels } from '../../src/models/models.ts'
import { Usd } from '../../src/money.ts'
import type { GrantRequest, ModelGrant } from '../../src/ports/model-access.ts'
import { createPromptGuard } from '../../src/redaction/prompt-secrets.ts'
import { createTestDatabase } from '../support/database.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { until } from '../support/until.ts'

const KEY = 'sk-real-key'

async function setUp(...script: Scripted[]) {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startModelServer(...script))
  const { db } = stack.use(await createTestDatabase())
  const { id } = await db
    .insertInto('work_orders')
    .values({ title: 'x', description: 'x', risk_level: 'low' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const row = { name: 'stand-in', provider: 'openai-compatible', model: 'm', base_url: server.url }
  const price = JSON.stringify({ input_per_million: 1, output_per_million: 2 })
  await db
    .insertInto('proposer_configs')
    .values({ ...row, complexity_threshold: 1, cost_profile: price })
    .execute()
  const secrets = { OPENAI_COMPATIBLE_API_KEY: KEY }
  const rest = { replayDir: '/nonexistent', modelTimeoutMs: 10_000, clock: systemClock, log: createLog('silent') }
  const home = stack.use(await mkdtempDisposable(path.join(tmpdir(), 'moose-gateway-')))
  const gateway = stack.use(
    createGateway({
      home: home.path,
      db,
      refuseSecrets: createPromptGuard(SETTINGS),
      models: createModels({ db, secrets, networkEnvironment: {}, maxCallsPerProvider: null, modelHosts: [], ...rest }),
    }),
  )
  const { signal } = new AbortController()
  const request = {
    proposer: 'stand-in',
    workOrderId: id,
    attempt: 1,
    task: 'x',
    mostCalls: null,
    signal,
    maxRequestBytes: 100_000,
    refuse: () => null,
    onProgress: async () => undefined,
  }
  const owned = stack.move()
  return {
    server,
    grant: (changes: Partial<GrantRequest> = {}) => gateway.grant({ ...request, ...changes }),
    rows: () => db.selectFrom('model_calls').selectAll().orderBy('id').execute(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function ask(grant: ModelGrant, changes: object = {}, token = grant.token) {
  const body = JSON.stringify({ model: grant.model, messages: [{ role: 'user', content: 'hi' }], ...changes })
  return post(grant, { body, headers: { authorization: `Bearer ${token}` } })
}

type Sent = { body: string; headers: Record<string, string>; signal?: AbortSignal }

async function post(grant: ModelGrant, { headers, ...rest }: Sent) {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, ...rest }
  const response = await fetch(`${grant.url}/chat/completions`, init)
  return { status: response.status, text: await response.text() }
}

/** As no `fetch` can: with headers of its own. */
async function statusWith(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const [response] = await once(request(url, { headers }).end(), 'response')
  assert.ok(response instanceof IncomingMessage)
  response.resume()
  return response.statusCode
}

const SETTINGS = {
  secrets: { OPENAI_API_KEY: 'sk-canary-0123456789' },
  githubSecrets: { token: null, enterpriseToken: null, webhook: null },
  databaseUrl: null,
  managerUrl: null,
  proposerUrl: null,
  tracing: null,
  networkEnvironment: {},
}

const TEXT: Scripted = { kind: 'text', text: 'hello there', input: 100, output: 10 }

test('what a child would tell its model of a secret of Moose is not sent; the rest of the run is answered', async () => {
  await using given = await setUp(TEXT)
  await using grant = await given.grant()
  const content = `the file says ${SETTINGS.secrets.OPENAI_API_KEY}`
  const refused = await ask(grant, { messages: [{ role: 'user', content: [{ type: 'text', text: content }] }] })
  const [call] = grant.calls
  assert.deepEqual([refused.status, call?.fault?.code], [400, 'secret_in_prompt'])
  assert.match(String(call?.fault?.message), /OPENAI_API_KEY\) stands in what Aider was about to send/)
  assert.deepEqual([given.server.calls.length, (await given.rows()).length], [0, 0])
  assert.equal((await ask(grant)).status, 200)
})

test('an unstreamed call is answered, booked on its attempt, and made with the key the child never sees', async () => {
  await using given = await setUp(TEXT)
  await using grant = await given.grant()
  const { status, text } = await ask(grant, {
    temperature: 0,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
  })
  const answer = JSON.parse(text)
  assert.equal(status, 200)
  assert.deepEqual(answer.choices[0], {
    index: 0,
    message: { role: 'assistant', content: 'hello there' },
    finish_reason: 'stop',
  })
  assert.deepEqual(answer.usage, { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 })
  const [row] = await given.rows()
  assert.deepEqual([row?.proposer, row?.attempt, Number(row?.cost_usd)], ['stand-in', 1, 0.00012])
  assert.deepEqual(grant.calls, [{ fault: null, costUsd: new Usd('0.00012') }])
  assert.equal(given.server.calls[0]?.headers.authorization, `Bearer ${KEY}`)
  assert.ok(!grant.token.includes(KEY))
})

test('a streamed call gives the same as events, ended by [DONE]', async () => {
  await using given = await setUp(TEXT)
  await using grant = await given.grant()
  const { text } = await ask(grant, { stream: true })
  const events = text.split('\n\n').filter((line) => line.startsWith('data: '))
  assert.equal(events.pop(), 'data: [DONE]')
  const pieces = events.map((line) => JSON.parse(line.slice(6)))
  assert.equal(
    pieces
      .flatMap(({ choices }) => choices.map((choice: { delta: { content?: string } }) => choice.delta.content))
      .join(''),
    'hello there',
  )
  assert.equal(pieces.at(-2).choices[0].finish_reason, 'stop')
  assert.equal(pieces.at(-1).usage.total_tokens, 110)
})

test('no token, a token of nobody, another model, another path, no chat: refused before anything is spent', async () => {
  await using given = await setUp(TEXT)
  await using grant = await given.grant()
  assert.equal((await ask(grant, {}, 'wrong')).status, 401)
  assert.equal((await ask(grant, {}, '')).status, 401)
  assert.equal((await ask(grant, { model: 'gpt-5' })).status, 404)
  assert.equal((await ask(grant, { messages: [] })).status, 400)
  const headers = { authorization: `Bearer ${grant.token}` }
  assert.equal((await fetch(`${grant.url}/embeddings`, { method: 'POST', headers })).status, 404)
  const models = await fetch(`${grant.url}/models`, { headers })
  assert.match(await models.text(), new RegExp(`"id":"${grant.model}"`))
  assert.equal(given.server.calls.length, 0)
})

test('two grants are two: each token reaches its own model, and only as long as its run lasts', async () => {
  await using given = await setUp(TEXT)
  await using first = await given.grant()
  const second = await given.grant({ attempt: 2 })
  assert.equal((await ask(first, { model: second.model })).status, 404)
  assert.equal((await ask(second)).status, 200)
  await second[Symbol.asyncDispose]()
  assert.equal((await ask(second)).status, 401)
  assert.equal((await ask(first)).status, 200)
})

test('calls belong to the step that lent the model, also to one that did not open the server', async () => {
  await using given = await setUp(TEXT)
  const lender = new AsyncLocalStorage<string>()
  const heard: (string | undefined)[] = []
  const onProgress = async () => void heard.push(lender.getStore())
  await using first = await lender.run('first', () => given.grant({ onProgress }))
  await using second = await lender.run('second', () => given.grant({ attempt: 2, onProgress }))
  for (const grant of [second, first, second]) await ask(grant)
  assert.deepEqual(heard, ['second', 'first', 'second'])
})

test("a model's failure is kept in the record; the child gets a status it does not repeat and no reason to guess from", async () => {
  await using given = await setUp({ kind: 'status', status: 401, message: 'rate limit 429 at https://example.org' })
  await using grant = await given.grant()
  const { status, text } = await ask(grant)
  assert.equal(status, 400)
  assert.doesNotMatch(text, /429|https|rate/)
  assert.equal(grant.calls[0]?.fault?.code, 'model_key_rejected')
  assert.match((await ask(grant, { stream: true })).text, /"error".*provider_paused/)
})

test('an answer that must not reach the child is paid and not passed on', async () => {
  await using given = await setUp(TEXT)
  const fault = new Fault('aider_out_of_scope', 'no')
  await using grant = await given.grant({ refuse: () => fault })
  const { status, text } = await ask(grant)
  assert.deepEqual([status, text.includes('hello')], [400, false])
  assert.deepEqual(grant.calls, [{ fault, costUsd: new Usd('0.00012') }])
})

test('what the model thinks does not reach the child; where that is unclear, nothing does', async () => {
  await using setup = await setUp(
    { kind: 'text', text: '<think>\na draft\n</think>\n\nthe answer', thoughts: 'a draft' },
    { kind: 'text', text: '```\na draft\n```\nso </think> it is' },
  )
  await using grant = await setup.grant()
  const answered = await ask(grant)
  assert.equal(JSON.parse(answered.text).choices[0].message.content, 'the answer')
  assert.equal((await ask(grant)).status, 400)
  assert.deepEqual(
    grant.calls.map(({ fault }) => (fault === null ? null : fault.code)),
    [null, 'reasoning_unclear'],
  )
  assert.ok((await setup.rows()).every((row) => Number(row.cost_usd) > 0))
})

test('a run that ends aborts the call under way and books it', async () => {
  await using given = await setUp({ kind: 'silent' })
  const grant = await given.grant()
  const answer = ask(grant).catch(() => null)
  await until('a call', () => given.server.calls.length > 0)
  await grant[Symbol.asyncDispose]()
  await answer
  assert.equal((await given.rows()).length, 1)
})

test('whoever asks on and on is stopped, and an unknown proposer gets no other model', async () => {
  await using given = await setUp(TEXT)
  await using grant = await given.grant()
  for (let n = 0; n < 13; n += 1) await ask(grant)
  assert.equal(given.server.calls.length, 12)
  await assert.rejects(given.grant({ proposer: 'nobody' }), { code: 'model_unknown' })
})

for (const stream of [false, true]) {
  test(`a child that hangs up ends the provider's call too, and it is booked (stream: ${stream})`, async () => {
    await using given = await setUp({ kind: 'silent' })
    await using grant = await given.grant()
    const child = new AbortController()
    const body = JSON.stringify({ model: grant.model, stream, messages: [{ role: 'user', content: 'hi' }] })
    const headers = { authorization: `Bearer ${grant.token}` }
    const answer = post(grant, { body, headers, signal: child.signal }).catch(() => null)
    await until('a call', () => given.server.calls.length > 0)
    child.abort()
    await answer
    // It is booked first, then told to the run.
    await until('the end of the call', () => grant.calls.length === 1)
    const [row] = await given.rows()
    assert.deepEqual([row?.error_code, row?.cost_usd], ['attempt_cancelled', null])
    assert.deepEqual(
      grant.calls.map(({ fault }) => fault?.code),
      ['attempt_cancelled'],
    )
  })
}

test('streamed and unstreamed calls cost together what the provider charges', async () => {
  await using given = await setUp(TEXT, { kind: 'text', text: 'more', input: 777, output: 55 })
  await using grant = await given.grant()
  await ask(grant, { stream: true })
  await ask(grant)
  await ask(grant, { stream: true, stream_options: { include_usage: true } })
  const { input, output } = given.server.charged
  const charged = (input + output * 2) / 1e6
  const sum = (costs: (string | number | null | undefined)[]) =>
    costs.reduce((all: number, one) => all + Number(one), 0)
  assert.ok(Math.abs(sum((await given.rows()).map(({ cost_usd }) => cost_usd)) - charged) < 1e-12)
  assert.ok(
    Math.abs(sum(grant.calls.map(({ costUsd }) => (costUsd === null ? null : costUsd.toNumber()))) - charged) < 1e-12,
  )
})

test('what would change the form of the answer is refused by name, and nothing is spent', async () => {
  await using given = await setUp(TEXT)
  await using grant = await given.grant()
  const image = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }]
  const refused: [object, RegExp][] = [
    [{ tools: [{ type: 'function', function: { name: 'run' } }] }, /tools are not offered/],
    [{ functions: [{ name: 'run' }] }, /functions are not offered/],
    [{ n: 2 }, /n is not 1/],
    [{ response_format: { type: 'json_schema', json_schema: {} } }, /response_format.*is not text/],
    [{ modalities: ['text', 'audio'] }, /modalities.*is not text/],
    [{ messages: [{ role: 'user', content: image }] }, /messages\.0\.content is neither text nor parts that are text/],
    [{ messages: [{ role: 'tool', content: 'x' }] }, /messages\.0\.role/],
  ]
  for (const [changes, why] of refused) {
    const { status, text } = await ask(grant, changes)
    assert.deepEqual([status, why.test(JSON.parse(text).error.message)], [400, true], text)
  }
  assert.equal((await ask(grant, { n: 1, tools: [], temperature: 0.3, seed: 1, stop: null })).status, 200)
  assert.equal(given.server.calls.length, 1)
})

test('no JSON and too much of it are refused in the form clients read', async () => {
  await using given = await setUp(TEXT)
  await using grant = await given.grant()
  const headers = { authorization: `Bearer ${grant.token}` }
  const broken = await post(grant, { body: '{"model":', headers })
  assert.deepEqual([broken.status, JSON.parse(broken.text).error.code], [400, 'request_invalid'])
  const large = await post(grant, { body: 'x'.repeat(100_001), headers })
  assert.deepEqual([large.status, JSON.parse(large.text).error.code], [413, 'request_too_large'])
  await using greedy = await given.grant({ maxRequestBytes: 1_000_000_000 })
  const largest = await post(greedy, {
    body: 'x'.repeat(33 * 1024 * 1024),
    headers: { authorization: `Bearer ${greedy.token}` },
  })
  assert.deepEqual([largest.status, JSON.parse(largest.text).error.code], [413, 'request_too_large'])
  assert.equal(given.server.calls.length, 0)
})

test('a request that is longer than its run has reason for counts as a call without room', async () => {
  await using given = await setUp(TEXT)
  await using grant = await given.grant({ maxRequestBytes: 2_000 })
  assert.equal((await ask(grant, { messages: [{ role: 'user', content: 'x'.repeat(1_500) }] })).status, 200)
  assert.equal((await ask(grant, { messages: [{ role: 'user', content: 'x'.repeat(2_000) }] })).status, 413)
  const fault = grant.calls[1]?.fault
  assert.ok(fault?.code === 'model_call_rejected')
  assert.match(fault.message, /more than 2000 bytes .* prompt is too long/)
  assert.equal((await given.rows()).length, 1)
})

test('of a long list of bad messages is told that it is long, of a shorter one the first 20 problems', async () => {
  await using given = await setUp(TEXT)
  await using grant = await given.grant()
  const told = async (messages: unknown[]) => JSON.parse((await ask(grant, { messages })).text).error.message
  assert.equal(await told(Array.from({ length: 10_000 }, () => ({}))), 'messages has more than 1000 entries')
  assert.match(
    await told(Array.from({ length: 1_000 }, () => ({}))),
    /^messages\.0\.role .*messages\.9\.content .*; and 1980 more$/,
  )
  assert.equal(given.server.calls.length, 0)
})

test('who makes more calls at once than a run does is told to wait', async () => {
  await using given = await setUp({ kind: 'silent' })
  const grant = await given.grant()
  const waiting = [ask(grant), ask(grant)].map((call) => call.catch(() => null))
  await until('two calls', () => given.server.calls.length === 2)
  const { status, text } = await ask(grant)
  assert.deepEqual([status, JSON.parse(text).error.code], [429, 'busy'])
  assert.equal(given.server.calls.length, 2)
  await grant[Symbol.asyncDispose]()
  await Promise.all(waiting)
})

test('a child that opens one connection after the other gets so many, and the others are closed', async () => {
  await using given = await setUp()
  await using grant = await given.grant()
  await using stack = new AsyncDisposableStack()
  let closed = 0
  for (let made = 0; made < 520; made += 1) {
    const socket = connect({ path: grant.reach.socket })
    stack.defer(() => void socket.destroy())
    socket.on('error', () => {}).once('close', () => (closed += 1))
    await once(socket, 'connect')
  }
  await until('what is too much is closed', () => closed === 520 - 512)
})

test('where the socket of the gateway cannot be made, no port stays open', async () => {
  const listening = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length
  await until('those of other tests are closed', () => listening() === 0)
  await assert.rejects(serveGateway(() => undefined, import.meta.filename))
  await until('the port is closed', () => listening() === 0)
})

test('a web page does not get in: neither by a name of its own for this address nor from another origin', async () => {
  await using given = await setUp(TEXT)
  await using grant = await given.grant()
  const url = `${grant.url}/models`
  const authorization = `Bearer ${grant.token}`
  assert.equal(await statusWith(url, { authorization }), 200)
  assert.equal(await statusWith(url, { authorization, host: 'evil.example:80' }), 403)
  assert.equal(await statusWith(url, { authorization, host: '127.0.0.1.evil.example' }), 403)
  assert.equal(await statusWith(url, { authorization, origin: 'http://evil.example' }), 403)
  assert.equal(await statusWith(url, { authorization, origin: new URL(url).origin }), 403)
})

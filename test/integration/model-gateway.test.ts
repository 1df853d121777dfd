import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { Fault } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import { createGateway } from '../../src/models/gateway.ts'
import { createModels } from '../../src/models/models.ts'
import type { GrantRequest, ModelGrant } from '../../src/pipeline/ports/model-access.ts'
import { createTestDatabase } from '../support/database.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'

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
  const secrets = { anthropic: null, openai: null, openaiCompatible: KEY }
  const rest = { replayDir: null, modelTimeoutMs: 10_000, clock: systemClock, log: createLog('silent') }
  const gateway = stack.use(createGateway({ db, models: createModels({ db, secrets, ...rest }) }))
  const { signal } = new AbortController()
  const request = { proposer: 'stand-in', workOrderId: id, attempt: 1, task: 'x', signal, refuse: () => null }
  const owned = stack.move()
  return {
    server,
    grant: (changes: Partial<GrantRequest> = {}) => gateway.grant({ ...request, ...changes }),
    rows: () => db.selectFrom('model_calls').selectAll().orderBy('id').execute(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function ask(grant: ModelGrant, changes: object = {}, token = grant.token) {
  const response = await fetch(`${grant.url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: grant.model, messages: [{ role: 'user', content: 'hi' }], ...changes }),
  })
  return { status: response.status, text: await response.text() }
}

const TEXT: Scripted = { kind: 'text', text: 'hello there', input: 100, output: 10 }

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
  assert.deepEqual(grant.calls, [{ fault: null, costUsd: 0.00012 }])
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

test("a model's failure is kept in the record; the child gets a status it does not repeat and no reason to guess from", async () => {
  await using given = await setUp({ kind: 'status', status: 401, message: 'rate limit 429 at https://example.org' })
  await using grant = await given.grant()
  const { status, text } = await ask(grant)
  assert.equal(status, 400)
  assert.doesNotMatch(text, /429|https|rate/)
  assert.equal(grant.calls[0]?.fault?.code, 'model_key_rejected')
  assert.match((await ask(grant, { stream: true })).text, /"error".*model_key_rejected/)
})

test('an answer that must not reach the child is paid and not passed on', async () => {
  await using given = await setUp(TEXT)
  const fault = new Fault('aider_out_of_scope', 'no')
  await using grant = await given.grant({ refuse: () => fault })
  const { status, text } = await ask(grant)
  assert.deepEqual([status, text.includes('hello')], [400, false])
  assert.deepEqual(grant.calls, [{ fault, costUsd: 0.00012 }])
})

test('a run that ends aborts the call under way and books it', async () => {
  await using given = await setUp({ kind: 'silent' })
  const grant = await given.grant()
  const answer = ask(grant).catch(() => null)
  while (given.server.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
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

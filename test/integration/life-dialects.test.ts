import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import type { ProposerConfig } from '../../src/db/proposer-configs.ts'
import { listPauses } from '../../src/db/provider-pauses.ts'
import { Fault } from '../../src/faults/fault.ts'
import { createTestDatabase } from '../support/database.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { chunk, counted, hello, USAGE, whole } from '../support/model-ending.ts'
import { callOf, quickModels, USUAL_CALL } from '../support/proposer-call.ts'

const PRICE = { inputPerMillion: '1', outputPerMillion: '10', cacheReadPerMillion: '0.1', cacheWritePerMillion: '1.25' }
/** 1000 tokens in and 200 out. */
const COST = '0.003'
/** The same with 800 of the input from the cache. */
const CACHED = '0.00228'

type Sent = { body: string; status?: number }
const data = (event: object | string) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}`
const stream = (...events: readonly (object | string)[]): Sent => ({
  body: events.map((one) => `${data(one)}\n\n`).join(''),
})
const document = (body: object, status = 200): Sent => ({ body: JSON.stringify(body), status })
const refusal = (status: number, error: object): Sent => document({ error }, status)

/** Answers every call with the same bytes, whatever was asked. */
async function serve({ body, status = 200 }: Sent) {
  const type = body.startsWith('{') ? 'application/json' : 'text/event-stream'
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => response.writeHead(status, { 'content-type': type }).end(body))
  })
  return await listenOnLoopback(server)
}

async function asking() {
  const database = await createTestDatabase()
  const clock = { now: () => new Date('2026-01-01T00:00:00Z'), sleep: async () => {} }
  const models = quickModels(database.db, 'sk-a-very-secret-key', { clock })
  const ask = async (sent: Sent) => {
    await using server = await serve(sent)
    await database.db.deleteFrom('provider_pauses').execute()
    const proposer: ProposerConfig = {
      ...USUAL_CALL,
      name: 'p',
      provider: 'openai-compatible',
      model: 'm',
      complexityThreshold: 1,
      baseUrl: `${server.origin}/v1`,
      price: PRICE,
      active: true,
    }
    try {
      const { text, costUsd } = await models.call(callOf(proposer))
      return { said: text, cost: String(costUsd), pauses: [] }
    } catch (error) {
      assert.ok(error instanceof Fault, String(error))
      const pauses = (await listPauses(database.db)).map(({ kind }) => kind)
      return { said: error.code, problem: error.details['problem'], pauses }
    }
  }
  return { ask, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() }
}

const DRAFT = '### edit draft'
const thought = { extra_content: { google: { thought: true } } }
const REASONED: Readonly<Record<string, Sent>> = {
  reasoning_content: stream(chunk({ reasoning_content: DRAFT }), ...whole()),
  'reasoning and its details': stream(chunk({ reasoning: DRAFT, reasoning_details: [{ text: DRAFT }] }), ...whole()),
  'parts of thinking': stream(
    chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: DRAFT }] }] }),
    ...whole(),
  ),
  'a part of text that is marked as a thought': stream(
    chunk({ content: [{ type: 'text', text: DRAFT, thought: true }] }),
    ...whole(),
  ),
  'a delta that is marked as a thought': stream(chunk({ content: DRAFT, ...thought }), ...whole()),
  'tags in a delta that is marked as a thought': stream(
    chunk({ content: `<thought>\n${DRAFT}`, ...thought }),
    chunk({ content: '</thought>hello' }),
    chunk({ content: ' you' }, 'stop'),
    counted(USAGE),
    '[DONE]',
  ),
  'a document': document({
    choices: [{ message: { reasoning_content: DRAFT, content: 'hello you' }, finish_reason: 'stop' }],
    usage: USAGE,
  }),
}

test('life A1: what a model thinks is no part of its answer, in whichever field it comes', async () => {
  await using setting = await asking()
  for (const [name, sent] of Object.entries(REASONED))
    assert.deepEqual(await setting.ask(sent), { said: 'hello you', cost: COST, pauses: [] }, name)
})

const WHOLE: Readonly<Record<string, Sent>> = {
  'the finish reason is the text null': stream(
    ...hello.map(({ choices: [choice], ...rest }) => ({ ...rest, choices: [{ ...choice, finish_reason: 'null' }] })),
    counted(USAGE),
    '[DONE]',
  ),
  'events without an empty line between them': {
    body: whole()
      .map((event) => `${data(event)}\n`)
      .join(''),
  },
  'carriage returns, comments, ids and a byte order mark': {
    body: `\ufeff: keep alive\r\n\r\n${whole()
      .map((event) => `: PROCESSING\r\n\r\nevent: message\r\nid: 3\r\n${data(event)}\r\n\r\n`)
      .join('')}`,
  },
  'no space behind data, and no end of the last line': {
    body: whole()
      .map((event) => data(event).replace('data: ', 'data:'))
      .join('\n\n'),
  },
  'a document for each line': {
    body: [...hello, chunk({}, 'stop'), counted(USAGE)].map((event) => JSON.stringify(event)).join('\n'),
  },
  'a whole document as one event': stream({ choices: [{ message: { content: 'hello you' } }], usage: USAGE }),
  'a document without a finish reason': document({ choices: [{ message: { content: 'hello you' } }], usage: USAGE }),
  'the whole answer again in the last event': stream(
    ...hello,
    { choices: [{ index: 0, message: { content: 'hello you' }, finish_reason: 'stop' }], usage: USAGE },
    '[DONE]',
  ),
  'a text instead of a message': document({ choices: [{ text: 'hello you', finish_reason: 'stop' }], usage: USAGE }),
  'usage with the choice': stream(
    ...hello,
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: USAGE }] },
    '[DONE]',
  ),
  'DONE alone, in lower case': stream(...hello, { choices: [{ index: 0, delta: {}, usage: USAGE }] }, '[done]'),
}

test('life B3: a whole answer is used and charged by its usage, however it is framed', async () => {
  await using setting = await asking()
  for (const [name, sent] of Object.entries(WHOLE))
    assert.deepEqual(await setting.ask(sent), { said: 'hello you', cost: COST, pauses: [] }, name)
})

const CUT: Readonly<Record<string, Sent>> = {
  'nothing behind the text': stream(...hello),
  'usage before the text': stream(counted(USAGE), ...hello),
  'lines that are cut': { body: hello.map((event) => JSON.stringify(event)).join('\n') },
  'an event called error, and DONE': {
    body: `${stream(...hello).body}event: error\ndata: {"detail":"x"}\n\ndata: [DONE]\n\n`,
  },
  'a word called error, and DONE': { body: `${stream(...hello).body}event: error\ndata: died\n\ndata: [DONE]\n\n` },
  'an error without a code, and DONE': stream(...hello, { type: 'error', message: 'upstream died' }, '[DONE]'),
}

test('life B3: a cut answer is none, and the provider is left alone for a while', async () => {
  await using setting = await asking()
  for (const [name, sent] of Object.entries(CUT)) {
    const { said } = await setting.ask(sent)
    assert.ok(said === 'model_overloaded' || said === 'model_call_rejected', `${name}: ${said}`)
  }
})

const words = (message: string, code: string | null = null) => ({ message, type: 'invalid_request_error', code })
const UNPAID: Readonly<Record<string, Sent>> = {
  Anthropic: refusal(400, words('Your credit balance is too low to access the Anthropic API. Please go to Plans.')),
  'a restricted organization': refusal(400, words('Organization has been restricted.', 'organization_restricted')),
  'a suspended account': refusal(
    412,
    words('Account acme is suspended, possibly due to reaching the monthly spending limit or failure to pay invoices.'),
  ),
  'no credits left': refusal(400, words('You have run out of credits. Please add credits to continue.')),
  'funds in the middle of the words': refusal(
    400,
    words('Request failed: insufficient account balance', 'bad_request'),
  ),
  'no way to pay': refusal(400, words('Please add a payment method to your account to use this model.')),
  'words in Chinese': refusal(429, words('余额不足或无可用资源包,请充值。', '1113')),
  'an overdue account': refusal(
    403,
    words('The request failed because your account is overdue.', 'AccountOverdueError'),
  ),
  'a status of success': document({ base_resp: { status_code: 1008, status_msg: 'insufficient balance' } }),
  'an error with a status of success': document({ error: { message: 'Insufficient credits', code: 402 } }),
}

test('life B2: an account that cannot pay is one, in whichever words and with whichever status', async () => {
  await using setting = await asking()
  for (const [name, sent] of Object.entries(UNPAID)) {
    const { said, problem, pauses } = await setting.ask(sent)
    assert.deepEqual(
      { said, problem, pauses },
      { said: 'model_key_rejected', problem: 'account', pauses: ['account'] },
      name,
    )
  }
})

const READ = [
  'prompt_cache_hit_tokens',
  'cached_tokens',
  'cache_read_input_tokens',
  'cache_read_tokens',
  'cached_input_tokens',
  'cached_prompt_tokens',
  'num_cached_tokens',
  'cachedContentTokenCount',
  'cacheReadInputTokens',
  'prompt_cached_tokens',
]
const DETAILS = ['prompt_tokens_details', 'input_tokens_details', 'promptTokensDetails']

test('life B6: what came from a cache is charged as that, by whichever name it is counted', async () => {
  await using setting = await asking()
  const counts = [
    ...READ.map((name) => ({ [name]: 800 })),
    ...DETAILS.flatMap((place) => ['cached_tokens', 'cache_read_tokens'].map((name) => ({ [place]: { [name]: 800 } }))),
    { cached_tokens: 800, prompt_tokens_details: { cached_tokens: 0 } },
    { cached_tokens: 800, prompt_tokens_details: { cached_tokens: 800 }, prompt_cache_miss_tokens: 200 },
  ]
  for (const count of counts) {
    const { cost } = await setting.ask(stream(...whole({ ...USAGE, ...count })))
    assert.equal(cost, CACHED, JSON.stringify(count))
  }
  const { cost } = await setting.ask(stream(...whole({ input_tokens: 1_000, output_tokens: 200, cached_tokens: 800 })))
  assert.equal(cost, CACHED, 'the names of the newer protocol')
})

test('life B6: what was written into a cache is charged as that, by whichever name it is counted', async () => {
  await using setting = await asking()
  const counts = [
    { cache_creation_input_tokens: 200 },
    { cache_write_tokens: 200 },
    { cacheWriteInputTokens: 200 },
    { prompt_tokens_details: { cache_creation_input_tokens: 200 } },
    { prompt_tokens_details: { cache_creation: { ephemeral_5m_input_tokens: 200 } } },
    { prompt_tokens_details: { cache_creation_input_tokens: 200, cache_creation: { ephemeral_5m_input_tokens: 200 } } },
  ]
  for (const count of counts) {
    const { cost } = await setting.ask(stream(...whole({ ...USAGE, ...count })))
    assert.equal(cost, '0.00305', JSON.stringify(count))
  }
})

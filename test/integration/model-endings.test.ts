import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { ProposerConfig } from '../../src/db/proposer-configs.ts'
import { listPauses } from '../../src/db/provider-pauses.ts'
import { isOf } from '../../src/faults/families.ts'
import { Fault } from '../../src/faults/fault.ts'
import type { ModelAnswer } from '../../src/models/model-answer.ts'
import type { Models } from '../../src/models/models.ts'
import { ANTHROPIC } from '../fixtures/model-endings/anthropic.ts'
import { AZURE } from '../fixtures/model-endings/azure.ts'
import { DEEPSEEK } from '../fixtures/model-endings/deepseek.ts'
import { GOOGLE } from '../fixtures/model-endings/google.ts'
import { OLLAMA } from '../fixtures/model-endings/ollama.ts'
import { OPENAI_CHAT } from '../fixtures/model-endings/openai-chat.ts'
import { OPENAI_RESPONSES } from '../fixtures/model-endings/openai-responses.ts'
import { OPENROUTER } from '../fixtures/model-endings/openrouter.ts'
import { VLLM } from '../fixtures/model-endings/vllm.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import type { Ending } from '../support/model-ending.ts'
import { callOf, quickModels, USUAL_CALL } from '../support/proposer-call.ts'

const KEY = 'sk-a-very-secret-key'
const MINUTE = 60_000

type Kind = {
  provider: 'anthropic' | 'openai' | 'google' | 'openai-compatible'
  path: string
  endings: readonly Ending[]
}

const KINDS: Readonly<Record<string, Kind>> = {
  Anthropic: { provider: 'anthropic', path: '/v1', endings: ANTHROPIC },
  'OpenAI Responses': { provider: 'openai', path: '/v1', endings: OPENAI_RESPONSES },
  'Chat Completions as of OpenAI': { provider: 'openai-compatible', path: '/v1', endings: OPENAI_CHAT },
  DeepSeek: { provider: 'openai-compatible', path: '', endings: DEEPSEEK },
  OpenRouter: { provider: 'openai-compatible', path: '/api/v1', endings: OPENROUTER },
  Azure: {
    provider: 'openai-compatible',
    path: '/openai/deployments/d?api-version=2024-10-21',
    endings: AZURE,
  },
  Ollama: { provider: 'openai-compatible', path: '/v1', endings: OLLAMA },
  vLLM: { provider: 'openai-compatible', path: '/v1', endings: VLLM },
  Google: { provider: 'google', path: '/v1beta', endings: GOOGLE },
}
const FEWEST = 12

let database: TestDatabase
let models: Models
const clock = { now: () => new Date('2026-01-01T00:00:00Z'), sleep: async () => {} }

before(async () => {
  database = await createTestDatabase()
  models = quickModels(database.db, KEY, { modelTimeoutMs: 10_000, clock })
})
after(() => database[Symbol.asyncDispose]())

/** Plays an ending to every call. */
async function startEnding(ending: Ending) {
  const urls: string[] = []
  const server = createServer((request, response) => {
    urls.push(String(request.url))
    request.resume()
    request.on('end', () => void play(ending, response))
  })
  const listening = await listenOnLoopback(server)
  return { ...listening, urls }
}

async function play(
  { status = 200, headers = {}, events, body, cut }: Ending,
  response: ServerResponse,
): Promise<void> {
  const isText = typeof body === 'string'
  const text = isText ? body : JSON.stringify(body)
  const type = events === undefined ? 'application/json' : 'text/event-stream'
  response.writeHead(status, { 'content-type': type, ...headers })
  for (const event of events ?? []) {
    const named = typeof event === 'object' && 'type' in event ? `event: ${String(event.type)}\n` : ''
    response.write(`${named}data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`)
  }
  if (text !== undefined) response.write(text)
  if (cut === undefined) return void response.end()
  // What was written has to arrive before the connection breaks.
  await delay(20)
  response.socket?.resetAndDestroy()
}

function proposerAt(name: string, { provider, path }: Kind, origin: string): ProposerConfig {
  const price = {
    inputPerMillion: '1',
    outputPerMillion: '10',
    cacheReadPerMillion: '0.1',
    cacheWritePerMillion: '1.25',
  }
  const baseUrl = `${origin}${path}`
  return { ...USUAL_CALL, name, provider, model: 'm', complexityThreshold: 1, baseUrl, price, active: true }
}

async function ask(proposer: ProposerConfig, offersTools: boolean): Promise<ModelAnswer | Fault> {
  return await models.call(callOf(proposer, { offersTools })).catch((error: unknown) => {
    assert.ok(error instanceof Fault, String(error))
    return error
  })
}

/** How each try of a proposer was booked. */
async function bookings(proposer: string): Promise<string[]> {
  const rows = await database.db
    .selectFrom('budget_entries')
    .where('proposer', '=', proposer)
    .select(['reservation_id', 'kind', 'amount_usd', 'cost_usd'])
    .orderBy('id')
    .execute()
  const reserved = rows.filter(({ kind }) => kind === 'reserved')
  return reserved.map(({ reservation_id, amount_usd: worst }) => {
    const ends = rows.filter((row) => row.reservation_id === reservation_id && row.kind !== 'reserved')
    assert.equal(ends.length, 1, 'a try is booked once')
    const [end] = ends
    if (end?.kind !== 'settled') return String(end?.kind)
    return Number(end.cost_usd) === Number(worst) ? 'worst' : String(Number(end.cost_usd))
  })
}

function whatTheOrderDoes(ended: ModelAnswer | Fault): Ending['order'] {
  if (!(ended instanceof Fault)) return 'goes on'
  if (ended.code === 'model_key_rejected' && isOf('outage', ended.code)) return 'waits for the account'
  if (isOf('outage', ended.code)) return 'waits for the provider'
  assert.ok(isOf('other_proposer', ended.code), ended.code)
  return 'another proposer'
}

/** Tries of one call: what passes soon is tried again. */
function expectedTries({ verdict, resetMs = 0 }: Ending): number {
  return verdict === 'model_overloaded' && resetMs <= MINUTE ? 3 : 1
}

async function assertPause({ order, resetMs = 0 }: Ending): Promise<void> {
  const [pause] = await listPauses(database.db)
  if (order === 'goes on' || order === 'another proposer') return assert.equal(pause, undefined)
  const [kind, shortest] = order === 'waits for the account' ? ['account', 5 * MINUTE] : ['outage', MINUTE]
  const least = Math.max(shortest, resetMs)
  const ms = Number(pause?.until.getTime()) - Number(pause?.since.getTime())
  assert.deepEqual(
    [pause?.kind, ms >= least - 1_000 && ms <= Math.max(resetMs, shortest * 1.25) + 1_000],
    [kind, true],
    `${ms}`,
  )
}

async function check(kind: Kind, ending: Ending, name: string): Promise<void> {
  await using server = await startEnding(ending)
  const ended = await ask(proposerAt(name, kind, server.origin), ending.offersTools === true)
  const said = ended instanceof Fault ? ended.code : ended.text.trim()
  assert.equal(said, ending.verdict, ended instanceof Fault ? ended.message : ended.text)
  assert.equal(whatTheOrderDoes(ended), ending.order)
  const tries = expectedTries(ending)
  assert.deepEqual(
    await bookings(name),
    Array.from({ length: tries }, () => ending.booked),
  )
  await assertPause(ending)
  if (!(ended instanceof Fault)) return
  if (ending.problem !== undefined) assert.equal(ended.details['problem'], ending.problem)
  if (ending.resetMs !== undefined) assert.equal(ended.details['retry_after_ms'], ending.resetMs)
  assert.ok(ended.message.length < 800 && !ended.message.includes(KEY), ended.message)
}

for (const [kind, { endings, ...rest }] of Object.entries(KINDS)) {
  describe(kind, () => {
    test(`has ${FEWEST} endings and more, each with its source and a name of its own`, () => {
      assert.ok(endings.length >= FEWEST, `${endings.length}`)
      assert.equal(new Set(endings.map(({ name }) => name)).size, endings.length)
      for (const { source } of endings) assert.equal(new URL(source).protocol, 'https:')
    })
    for (const ending of endings) {
      test(ending.name, async () => {
        await database.db.deleteFrom('provider_pauses').execute()
        await check({ endings, ...rest }, ending, `${kind}: ${ending.name}`)
      })
    }
  })
}

import assert from 'node:assert/strict'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import { setLimit } from '../../src/budget/limits.ts'
import { reconcile } from '../../src/budget/reconcile.ts'
import type { ProposerConfig } from '../../src/db/proposer-configs.ts'
import type { Database } from '../../src/db/schema.ts'
import { addWorkOrders } from '../../src/db/work-orders/add-work-orders.ts'
import { createLog } from '../../src/log.ts'
import { createGateway } from '../../src/models/gateway.ts'
import { createModels } from '../../src/models/models.ts'
import { Usd } from '../../src/money.ts'
import { createTestDatabase } from '../support/database.ts'
import {
  type Charge,
  type ModelServer,
  type ReceivedCall,
  type Scripted,
  startModelServer,
} from '../support/model-server.ts'
import { USUAL_CALL } from '../support/proposer-call.ts'

const CALLS = 200
/** USD per million tokens, as the providers publish them, in millionths of a dollar. */
const RATES = {
  anthropic: { input: 3_000_000n, cacheRead: 300_000n, cacheWrite: 3_750_000n, output: 15_000_000n },
  openai: { input: 1_250_000n, cacheRead: 125_000n, cacheWrite: 1_250_000n, output: 10_000_000n },
  'openai-compatible': { input: 700_000n, cacheRead: 700_000n, cacheWrite: 700_000n, output: 2_900_000n },
} as const
const MODELS = { anthropic: 'claude-sonnet-4-5', openai: 'gpt-5', 'openai-compatible': 'local-7b' } as const
type Provider = keyof typeof RATES
const PROVIDERS: Provider[] = ['anthropic', 'openai', 'openai-compatible']

/** What a provider charges, in whole billionths of a millionth of a dollar: nothing of Moose's arithmetic is used. */
function priceOf({ input, cacheRead, cacheWrite, output }: Charge, provider: Provider): bigint {
  const rates = RATES[provider]
  const fresh = BigInt(input - cacheRead - cacheWrite)
  return (
    fresh * rates.input +
    BigInt(cacheRead) * rates.cacheRead +
    BigInt(cacheWrite) * rates.cacheWrite +
    BigInt(output) * rates.output
  )
}

/** The same as a decimal of dollars: twelve digits. */
function dollars(amount: bigint): string {
  return new Usd(amount.toString()).dividedBy('1e12').toFixed()
}

/** The n-th of a fixed row of numbers that look like chance, from 0 up to `below`. */
function number(n: number, below: number): number {
  return ((n * 2_654_435_761) >>> 7) % below
}

/** Answers by the number in the question: some fail once, some stop at the limit, some break off in the middle. */
function scripted(failed: Set<number>): (call: ReceivedCall) => Scripted {
  return ({ body }) => {
    const n = Number(/question (\d+)/.exec(JSON.stringify(body))?.[1])
    if (n % 7 === 0 && !failed.has(n)) {
      failed.add(n)
      return { kind: 'status', status: n % 2 === 0 ? 429 : 503, message: 'busy' }
    }
    const input = 500 + number(n, 90_000)
    const cacheRead = n % 3 === 0 ? number(n + 1, input) : 0
    const tokens = { input, output: 1 + number(n + 2, 9_000), cacheRead, cacheWrite: 0, reasoning: 0 }
    if (n % 31 === 0 && !failed.has(n)) {
      failed.add(n)
      return { kind: 'dropped', when: 'mid-text', ...tokens }
    }
    if (n % 37 === 0 && !failed.has(n)) {
      failed.add(n)
      return { kind: 'unfinished', text: 'no end', ...tokens }
    }
    if (n % 13 === 0) return { kind: 'truncated', text: 'half', ...tokens }
    return { kind: 'text', text: `answer ${n}`, ...tokens }
  }
}

test('200 mixed calls, streamed and not, with retries: what is tracked is the bill, to the last digit', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  for (const limit of ['daily_hard_cap', 'monthly_hard_cap', 'emergency_kill', 'order_cap'])
    await setLimit(db, limit, null)
  const failed = new Set<number>()
  await using anthropic = await startModelServer(scripted(failed))
  await using openai = await startModelServer(scripted(failed))
  await using compatible = await startModelServer(scripted(failed))
  const servers = { anthropic, openai, 'openai-compatible': compatible }
  const workOrderId = await anOrder(db)
  const models = createModels({
    db,
    networkEnvironment: {},
    secrets: { ANTHROPIC_API_KEY: 'sk-a', OPENAI_API_KEY: 'sk-o' },
    replayDir: '/nonexistent',
    modelTimeoutMs: 20_000,
    maxCallsPerProvider: null,
    modelHosts: [],
    clock: { now: () => new Date(), sleep: async () => undefined },
    log: createLog('silent'),
  })
  await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-gateway-'))
  await using gateway = createGateway({ db, models, home: home.path, refuseSecrets: () => undefined })
  await storeProposers(db, servers)

  const direct = async (n: number) => {
    const provider = PROVIDERS[n % 3] ?? 'openai'
    const messages = [{ role: 'user' as const, content: `question ${n}` }]
    const booked = { workOrderId, attempt: 1, turn: 1, task: 'task' }
    const memory = { take: async () => null }
    const call = { proposer: proposerAt(provider, servers), messages, maxOutputTokens: 16_000, memory, ...booked }
    await models.call({ ...call, signal: new AbortController().signal }).catch(() => undefined)
  }
  const throughGateway = async (n: number) => {
    const task = { workOrderId, attempt: 1, task: 'task', signal: new AbortController().signal }
    const told = { mostCalls: null, maxRequestBytes: 10_000, refuse: () => null, onProgress: async () => undefined }
    await using grant = await gateway.grant({ proposer: PROVIDERS[n % 3] ?? 'openai', ...task, ...told })
    const body = { model: grant.model, stream: n % 2 === 0, messages: [{ role: 'user', content: `question ${n}` }] }
    const headers = { authorization: `Bearer ${grant.token}`, 'content-type': 'application/json' }
    const answer = await fetch(`${grant.url}/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) })
    await answer.text()
  }
  const numbers = Array.from({ length: CALLS }, (_, index) => index + 1)
  const takeNext = async () => {
    for (let n = numbers.shift(); n !== undefined; n = numbers.shift())
      await (n % 4 < 2 ? direct(n) : throughGateway(n))
  }
  await Promise.all(Array.from({ length: 8 }, takeNext))

  const billed = PROVIDERS.flatMap((provider) =>
    servers[provider].bill.map((charge) => ({ id: String(charge.requestId), cost: priceOf(charge, provider) })),
  )
  assert.ok(billed.length >= CALLS, `${billed.length} charges`)
  const bill = dollars(billed.reduce((sum, { cost }) => sum + cost, 0n))
  const before = await totals(db)
  assert.ok(new Usd(before.committed).greaterThan(bill), 'what nobody knows is held at its worst')
  const complete_until = new Date().toISOString()
  const unknown = new Set<string>()
  for (const provider of PROVIDERS) {
    const entries = servers[provider].bill.map((charge) => ({
      request_id: String(charge.requestId),
      cost_usd: dollars(priceOf(charge, provider)),
    }))
    const whose = provider === 'openai-compatible' ? { proposer: provider } : { provider }
    const { settled, released, differing } = await reconcile(db, { entries, complete_until, ...whose })
    assert.deepEqual([released, differing], [[], []])
    for (const { id } of settled) unknown.add(id)
  }
  assert.equal(unknown.size, numbersBrokenOff(), 'exactly the calls that broke off were unknown')
  const after = await totals(db)
  assert.equal(after.spent, bill)
  assert.equal(after.committed, bill)
  assert.equal(await storedCosts(db), bill)
  const prices = await db.selectFrom('model_calls').select('price').execute()
  assert.ok(
    prices.every(({ price }) => Stored.safeParse(price).success),
    'the price that was used is kept with each call',
  )
})

const Stored = z.object({
  source: z.enum(['operator', 'library']),
  rates: z.looseObject({ input: z.string(), output: z.string() }),
})

function numbersBrokenOff(): number {
  return Array.from({ length: CALLS }, (_, index) => index + 1).filter(
    (n) => n % 7 !== 0 && (n % 31 === 0 || n % 37 === 0),
  ).length
}

async function totals(db: Kysely<Database>): Promise<{ committed: string; spent: string }> {
  const { rows } = await sql<{ committed: string; spent: string }>`
    select trim_scale(sum(amount_usd))::text as committed, trim_scale(sum(cost_usd))::text as spent from budget_entries
  `.execute(db)
  return { committed: String(rows[0]?.committed), spent: String(rows[0]?.spent) }
}

async function storedCosts(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ sum: string }>`select trim_scale(sum(cost_usd))::text as sum from model_calls`.execute(
    db,
  )
  return String(rows[0]?.sum)
}

async function anOrder(db: Kysely<Database>): Promise<string> {
  const facts = { acceptance_criteria: [], files_in_scope: ['a.ts'], risk_level: 'low' as const, approved: false }
  const [added] = await addWorkOrders(db, [{ title: 'Do it', description: '', ...facts }])
  return String(added?.id)
}

function proposerAt(provider: Provider, servers: Record<Provider, ModelServer>): ProposerConfig {
  const local = {
    inputPerMillion: '0.7',
    outputPerMillion: '2.9',
    cacheReadPerMillion: undefined,
    cacheWritePerMillion: undefined,
  }
  const price = provider === 'openai-compatible' ? local : null
  const common = { ...USUAL_CALL, complexityThreshold: 1, active: true, baseUrl: servers[provider].url, price }
  return { name: provider, provider, model: MODELS[provider], ...common }
}

async function storeProposers(db: Kysely<Database>, servers: Record<Provider, ModelServer>): Promise<void> {
  const price = JSON.stringify({ input_per_million: 0.7, output_per_million: 2.9 })
  const rows = PROVIDERS.map((provider) => ({
    name: provider,
    provider,
    model: MODELS[provider],
    base_url: servers[provider].url,
    complexity_threshold: 1,
    cost_profile: provider === 'openai-compatible' ? price : '{}',
  }))
  await db.insertInto('proposer_configs').values(rows).execute()
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { reserve, settle } from '../../src/budget/ledger.ts'
import { listen } from '../../src/db/listen.ts'
import type { Database } from '../../src/db/schema.ts'
import { createLog } from '../../src/log.ts'
import { type BookDeps, bookCall } from '../../src/models/book-call.ts'
import { Usd } from '../../src/money.ts'
import { createTestDatabase } from '../support/database.ts'

const log = createLog('silent')
const nobody = { workOrderId: null, attempt: null, proposer: 'p', provider: 'openai', model: 'm' }
const usd = (amount: string) => new Usd(amount)

function depsOf(db: Kysely<Database>): BookDeps {
  return { db, log, clock: { now: () => new Date(), sleep: async () => undefined } }
}

function rowOf(reservationId: string) {
  const call = {
    proposer: 'p',
    provider: 'openai',
    model: 'm',
    cost_usd: '0.2',
    input_tokens: 1,
    output_tokens: 1,
    replayed: false,
    duration_ms: 1,
    started_at: new Date(0),
  }
  return { ...call, reservation_id: reservationId, answer: Buffer.from('hello') }
}

async function booked(db: Kysely<Database>): Promise<{ calls: number; spent: string | null }> {
  const { rows } = await sql<{ calls: number; spent: string | null }>`
    select (select count(*)::int from model_calls) as calls, (select sum(cost_usd)::text from budget_entries) as spent
  `.execute(db)
  return rows[0] ?? { calls: -1, spent: null }
}

test('a booking whose acknowledgement was lost is made again, and is there once', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await reserve(db, nobody, usd('0.3'))
  for (let time = 0; time < 2; time += 1) await bookCall(depsOf(db), rowOf(id), { cost: usd('0.2') })
  assert.deepEqual(await booked(db), { calls: 1, spent: '0.2' })
  const unknown = await reserve(db, nobody, usd('0.3'))
  for (let time = 0; time < 2; time += 1) await bookCall(depsOf(db), rowOf(unknown), 'unresolved')
  assert.equal((await booked(db)).calls, 2)
})

test('what somebody has reconciled meanwhile stands, and the answer counts all the same', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await reserve(db, nobody, usd('0.3'))
  await settle(db, id, usd('0.1'))
  await bookCall(depsOf(db), rowOf(id), { cost: usd('0.2') })
  assert.deepEqual(await booked(db), { calls: 1, spent: '0.1' })
})

test('limits that became unreadable while a call was made do not lose what it has cost', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await reserve(db, nobody, usd('0.3'))
  await sql`insert into system_config (key, value) values ('budget_limits', '{')`.execute(db)
  await bookCall(depsOf(db), rowOf(id), { cost: usd('0.2') })
  assert.deepEqual(await booked(db), { calls: 1, spent: '0.2' })
})

test('two calls that reach the kill together have every process look', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const ids = await Promise.all(['100', '100'].map(() => reserve(db, nobody, usd('50'))))
  let heard = 0
  const onNotify = () => {
    heard += 1
  }
  await using _listening = await listen({
    url: database.url,
    log,
    channels: ['moose_config'],
    onNotify,
    onReconnect: onNotify,
  })
  await Promise.all(ids.map((id) => bookCall(depsOf(db), rowOf(id), { cost: usd('100') })))
  for (const deadline = Date.now() + 10_000; heard === 0 && Date.now() < deadline; ) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.ok(heard >= 1)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import pg from 'pg'
import { reserve, settle } from '../../src/budget/ledger.ts'
import { listen } from '../../src/db/listen.ts'
import type { Database } from '../../src/db/schema.ts'
import { createLog } from '../../src/log.ts'
import { type BookDeps, bookCall } from '../../src/models/book-call.ts'
import { Usd } from '../../src/money.ts'
import { createTestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

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
  await until('a notification', () => heard >= 1)
})

test('a row that does not fit is made to, and the money is booked as it is', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await reserve(db, nobody, usd('0.3'))
  const odd = { input_tokens: 3_000_000_000, output_tokens: 3e12, duration_ms: 30 * 86_400_000 }
  const gone = { work_order_id: crypto.randomUUID(), attempt: 1 }
  await bookCall(depsOf(db), { ...rowOf(id), ...odd, ...gone }, { cost: usd('45000') })
  assert.deepEqual(await booked(db), { calls: 1, spent: '45000' })
})

test('a row nobody foresaw does not take the money with it', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await reserve(db, nobody, usd('0.3'))
  await assert.rejects(bookCall(depsOf(db), { ...rowOf(id), proposer: 'p\0' }, { cost: usd('0.2') }))
  assert.deepEqual(await booked(db), { calls: 0, spent: '0.2' })
})

test('a database that is away for a while is waited for with the answer in hand', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  const id = await reserve(db, nobody, usd('0.3'))
  let waits = 0
  const clock = {
    now: () => new Date(),
    async sleep() {
      waits += 1
      await delay(100)
    },
  }
  const killer = new pg.Client(database.url)
  await killer.connect()
  await using _ended = { [Symbol.asyncDispose]: () => killer.end() }
  await Promise.all(Array.from({ length: 10 }, () => pool.query('select pg_sleep(0.05)')))
  await killer.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  await bookCall({ db, log, clock }, rowOf(id), { cost: usd('0.2') })
  assert.deepEqual(await booked(db), { calls: 1, spent: '0.2' })
  assert.ok(waits <= 3, `${waits}`)
})

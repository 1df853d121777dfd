import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { sql } from 'kysely'
import { systemClock } from '../../src/clock.ts'
import { isLeftBehind } from '../../src/db/attempts/take-over.ts'
import { keepLease, type Lease } from '../../src/db/workers/keep-lease.ts'
import { joinFleet, leaveFleet } from '../../src/db/workers/workers.ts'
import { createLog } from '../../src/log.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { pgbouncerOrSkip, startPgBouncer } from '../support/pgbouncer.ts'
import { until } from '../support/until.ts'

const LEASE_MS = 1_500
const BEAT_MS = 300
/** What a loaded machine takes to begin a thread or a connection, many times over. */
const PATIENCE_MS = 20_000
const runner = { homeId: 'here', revision: 'pipeline-0' }
const log = createLog('silent')

type Kept = { lease: Lease; replaced: () => number }

/** A lease that is kept, of a worker that has joined. */
async function keptLease({ db, url }: TestDatabase, longestSilenceMs = 60_000): Promise<Kept & AsyncDisposable> {
  let replaced = 0
  const onReplaced = () => {
    replaced += 1
  }
  const times = { leaseMs: LEASE_MS, beatMs: BEAT_MS, longestSilenceMs }
  const lease = await keepLease({ url, homeId: 'here', ...times, clock: systemClock, log, onReplaced })
  await joinFleet(db, runner, { leaseMs: LEASE_MS, version: '0' })
  return { lease, replaced: () => replaced, [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose]() }
}

async function standing({ db }: TestDatabase) {
  return db
    .selectFrom('workers')
    .select(sql<boolean>`lease_until > clock_timestamp()`.as('holds'))
    .select(sql<boolean>`judges_from <= clock_timestamp()`.as('judges'))
    .where('executor_id', '=', 'here')
    .executeTakeFirstOrThrow()
}

const holds = async (database: TestDatabase) => (await standing(database)).holds

function spin(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a lease is renewed while the main thread is busy', async () => {
  await using database = await createTestDatabase()
  await using kept = await keptLease(database)
  kept.lease.signOfLife()
  await delay(BEAT_MS)
  spin(3 * LEASE_MS)
  assert.deepEqual(await standing(database), { holds: true, judges: true })
})

test('a main thread that is silent for too long loses its lease, and judges nobody right after it has it again', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await using kept = await keptLease(database, BEAT_MS)
  kept.lease.signOfLife()
  await until('the lease runs out', async () => !(await holds(database)), { withinMs: PATIENCE_MS })
  await delay(2 * BEAT_MS)
  assert.equal(await holds(database), false)
  const other = { homeId: 'other', revision: 'pipeline-0' }
  await joinFleet(db, other, { leaseMs: -1, version: '0' })
  await sql`insert into work_orders (title, description, risk_level) values ('a', 'a', 'low')`.execute(db)
  await sql`insert into attempts (work_order_id, number, content, executor_id, revision)
    select id, 1, '{}', 'other', 'pipeline-0' from work_orders`.execute(db)
  const looker = { ...runner, leaseMs: LEASE_MS }
  assert.equal(await isLeftBehind(db, looker), false, 'without a lease of its own')
  kept.lease.signOfLife()
  await until('the lease is renewed', () => holds(database), { withinMs: PATIENCE_MS })
  assert.deepEqual(await standing(database), { holds: true, judges: false })
  assert.equal(await isLeftBehind(db, looker), false, 'cut off a moment ago')
  await sql`update workers set judges_from = '-infinity'`.execute(db)
  assert.equal(await isLeftBehind(db, looker), true)
})

test('another process that stands for the home is told, and its lease is left alone', async () => {
  await using database = await createTestDatabase()
  await using kept = await keptLease(database)
  await sql`update workers set holder = gen_random_uuid(), lease_until = '2000-01-01'`.execute(database.db)
  kept.lease.signOfLife()
  await until('it is told', () => kept.replaced() > 0, { withinMs: PATIENCE_MS })
  assert.equal(await holds(database), false)
})

test('a renewal that comes late does not bring back a worker that has left', async () => {
  await using database = await createTestDatabase()
  await using kept = await keptLease(database)
  await leaveFleet(database.db, 'here')
  kept.lease.signOfLife()
  await until('a renewal', () => kept.replaced() > 0, { withinMs: PATIENCE_MS })
  assert.equal(await holds(database), false)
})

test('a connection that is cut, and a thread that ends, are replaced before the lease is over', async () => {
  await using database = await createTestDatabase()
  const threads: Worker[] = []
  const onThread = (thread: Worker) => threads.push(thread)
  process.on('worker', onThread)
  try {
    await using kept = await keptLease(database)
    kept.lease.signOfLife()
    const backends = () =>
      sql<{ pid: number }>`
        select pid from pg_stat_activity where application_name = 'moose lease' and datname = current_database()
      `.execute(database.db)
    await until('a connection', async () => (await backends()).rows.length === 1, { withinMs: PATIENCE_MS })
    const [first] = (await backends()).rows
    await sql`select pg_terminate_backend(${first?.pid})`.execute(database.db)
    const isAnother = async () => (await backends()).rows.some(({ pid }) => pid !== first?.pid)
    await until('another connection', isAnother, { withinMs: PATIENCE_MS })
    assert.equal(await holds(database), true)
    await threads[0]?.terminate()
    await until('another thread', () => threads.length === 2, { withinMs: PATIENCE_MS })
    await sql`update workers set lease_until = '2000-01-01'`.execute(database.db)
    await until('a renewal by the other thread', () => holds(database), { withinMs: PATIENCE_MS })
  } finally {
    process.off('worker', onThread)
  }
})

test('the thread keeps no process alive', async () => {
  const program = path.join(import.meta.dirname, '../../src/db/workers/keep-lease.ts')
  const times = { leaseMs: 60_000, beatMs: 20_000, longestSilenceMs: 60_000 }
  const options = { url: 'postgresql://nobody@127.0.0.1:1/none', homeId: 'here', ...times }
  const script = `
    import(${JSON.stringify(program)}).then(async ({ keepLease }) => {
      const parts = { log: { warn() {}, error() {} }, onReplaced() {}, clock: { sleep: () => Promise.resolve() } }
      const lease = await keepLease({ ...${JSON.stringify(options)}, ...parts })
      lease.signOfLife()
      console.log('ready')
    })`
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { timeout: PATIENCE_MS })
  assert.equal(stdout, 'ready\n')
})

test('through a pooler in session mode a lease is renewed', async (t) => {
  const program = pgbouncerOrSkip(t)
  if (program === null) return
  await using database = await createTestDatabase()
  await using pooler = await startPgBouncer(program, database, { mode: 'session', size: 1, roundRobin: false })
  await using kept = await keptLease({ ...database, url: pooler.url })
  kept.lease.signOfLife()
  await delay(2 * LEASE_MS)
  assert.equal(await holds(database), true)
})

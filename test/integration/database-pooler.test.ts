import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { openDatabase } from '../../src/db/connect.ts'
import { listen } from '../../src/db/listen.ts'
import { tryOwn } from '../../src/db/lock.ts'
import { createLog } from '../../src/log.ts'
import { createTestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { moose } from '../support/moose-command.ts'
import { pgbouncerOrSkip, startPgBouncer } from '../support/pgbouncer.ts'

const log = createLog('silent')
const open = (url: string) => openDatabase({ databaseUrl: url, home: '/nowhere', log })

for (const roundRobin of [false, true]) {
  test(`a pooler in transaction mode is refused by name${roundRobin ? ', also one that takes turns' : ''}`, async (t) => {
    const program = pgbouncerOrSkip(t)
    if (program === null) return
    await using database = await createTestDatabase()
    await using pooler = await startPgBouncer(program, database, { mode: 'transaction', size: 5, roundRobin })
    await warmUp(pooler.url, 3)
    const began = Date.now()
    const fault = await faultOf(open(pooler.url))
    assert.equal(fault.code, 'database_refused')
    assert.match(
      fault.message,
      /^The pooler at .*:6543\/.* for one transaction only.* session mode; on Supabase: port 5432/,
    )
    t.diagnostic(`refused after ${Date.now() - began} ms`)
    assert.ok(Date.now() - began < 10_000)
  })
}

test('a pooler in transaction mode with one session is refused as well', async (t) => {
  const program = pgbouncerOrSkip(t)
  if (program === null) return
  await using database = await createTestDatabase()
  await using pooler = await startPgBouncer(program, database, { mode: 'transaction', size: 1, roundRobin: false })
  assert.equal((await faultOf(open(pooler.url))).details['mode'], 'transaction')
})

test('through a transaction pooler a command ends at once and says what is needed', async (t) => {
  const program = pgbouncerOrSkip(t)
  if (program === null) return
  await using database = await createTestDatabase()
  await using pooler = await startPgBouncer(program, database, { mode: 'transaction', size: 5, roundRobin: false })
  const environment = { DATABASE_URL: pooler.url, MOOSE_HOME: '/nonexistent/home', MOOSE_LOG_LEVEL: 'silent' }
  const { exitCode, stderr } = await moose(['migrate'], { environment })
  assert.equal(exitCode, 1)
  assert.match(stderr, /session mode; on Supabase: port 5432/)
})

test('a pooler in session mode keeps locks, passes on notifications and is taken', async (t) => {
  const program = pgbouncerOrSkip(t)
  if (program === null) return
  await using given = await createTestDatabase()
  await using pooler = await startPgBouncer(program, given, { mode: 'session', size: 10, roundRobin: false })
  await using database = await open(pooler.url)
  assert.deepEqual(await database.db.selectFrom('work_orders').selectAll().execute(), [])
  const own = () => tryOwn({ url: pooler.url, name: 'home:/a', onLost: () => assert.fail('not lost'), log })
  await using owner = await own()
  assert.ok(owner !== null)
  assert.equal(await own(), null)
  const heard = Promise.withResolvers<string>()
  const onNotify = (_channel: string, payload: string) => heard.resolve(payload)
  await using _ = await listen({ url: pooler.url, channels: ['c'], onNotify, onReconnect: () => undefined, log })
  await database.pool.query(`select pg_notify('c', 'heard')`)
  assert.equal(await heard.promise, 'heard')
})

test('a session pooler without room for a second session says so', async (t) => {
  const program = pgbouncerOrSkip(t)
  if (program === null) return
  await using database = await createTestDatabase()
  await using pooler = await startPgBouncer(program, database, { mode: 'session', size: 1, roundRobin: false })
  const began = Date.now()
  const fault = await faultOf(open(pooler.url))
  assert.equal(fault.code, 'database_unreachable')
  assert.match(fault.message, /no second session within 5 s\. Raise its pool size/)
  assert.ok(Date.now() - began < 15_000)
})

/** Leaves a pooler with so many sessions of the server, as one that others use. */
async function warmUp(url: string, sessions: number): Promise<void> {
  const clients = Array.from({ length: sessions }, () => new pg.Client({ connectionString: url }))
  await Promise.all(clients.map((client) => client.connect()))
  for (const statement of ['begin', 'commit']) await Promise.all(clients.map((client) => client.query(statement)))
  await Promise.all(clients.map((client) => client.end()))
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { openDatabase } from '../../src/db/connect.ts'
import { openEmbedded } from '../../src/db/embedded/open-embedded.ts'
import { listen } from '../../src/db/listen.ts'
import { tryOwn } from '../../src/db/lock.ts'
import { createPool } from '../../src/db/pool.ts'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { createLog } from '../../src/log.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makeHome } from '../support/embedded-home.ts'

const log = createLog('silent')
const open = (databaseUrl: string) => openDatabase({ databaseUrl, home: '/nowhere', log })

test('a given database is opened as it is and left running', async () => {
  await using given = await createTestDatabase()
  const database = await open(given.url)
  assert.deepEqual([database.embedded, database.dataDirectory, database.url], [false, null, given.url])
  assert.deepEqual(await database.db.selectFrom('work_orders').selectAll().execute(), [])
  await database[Symbol.asyncDispose]()
  assert.equal((await given.pool.query('select 1')).rowCount, 1)
})

test('a server that does not answer is said in one line, without the password', async () => {
  const port = await closedPort()
  const error = await faultOf(open(`postgresql://ada:s3cret@localhost:${port}/moose`), 'database_unreachable')
  assert.match(
    error.message,
    /^The database postgresql:\/\/ada:\*\*\*@localhost:\d+\/moose cannot be reached: .+ DATABASE_URL/,
  )
  assert.doesNotMatch(error.message, /\n/)
  assert.doesNotMatch(inspect(error, { depth: 10 }), /s3cret/)
})

test('a connection that breaks between two queries of a transaction ends the transaction, not the process', async () => {
  await using given = await createTestDatabase()
  const pool = createPool(given.url, log)
  const client = await pool.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  await given.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
  await new Promise((resolve) => setTimeout(resolve, 200))
  await assert.rejects(client.query('select 1'))
  client.release(true)
  assert.equal((await pool.query('select 1')).rowCount, 1)
  await pool.end()
})

test('a host without an address is unreachable', async () => {
  const error = await faultOf(open('postgresql://ada@host.invalid/moose'), 'database_unreachable')
  assert.match(error.message, /host\.invalid/)
})

test('a missing database, a wrong password and a missing TLS are refusals, without the password', async () => {
  await using home = await makeHome()
  const hba = path.join(home.path, 'hba.conf')
  await writeFile(hba, 'local all moose trust\nlocal all all scram-sha-256\n')
  await using server = await openEmbedded({ home: home.path, log, settings: { hba_file: hba } })
  const pool = createPool(server.url, log)
  await pool.query(`create role ada login password 'right'`)
  await pool.end()

  const missing = await faultOf(open(server.urlOf('nope')), 'database_refused')
  assert.match(missing.message, /rejected the connection: database "nope" does not exist\. Correct DATABASE_URL/)
  const wrong = server.url.replace('moose@', 'ada:s3cret@')
  const refused = await faultOf(open(wrong), 'database_refused')
  assert.match(refused.message, /password authentication failed for user "ada"/)
  assert.doesNotMatch(inspect(refused, { depth: 10 }), /s3cret/)

  await using plain = createServer((socket) =>
    socket.on('error', () => undefined).once('data', () => socket.write('N')),
  )
  await once(plain.listen(0, '127.0.0.1'), 'listening')
  const port = portOf(plain)
  const insecure = await faultOf(
    open(`postgresql://ada:s3cret@127.0.0.1:${port}/moose?sslmode=require`),
    'database_refused',
  )
  assert.match(insecure.message, /^No secure connection to .*does not support SSL.* sslmode/)
})

test('a listener hears again after its connection was cut, and says that it was deaf', async () => {
  await using database = await createTestDatabase()
  const heard: string[] = []
  let wake = Promise.withResolvers<void>()
  let reconnects = 0
  await using _ = await listen({
    url: database.url,
    channels: ['one', 'Two'],
    onNotify: (channel, payload) => {
      heard.push(`${channel}:${payload}`)
      wake.resolve()
      throw new Error('a handler that fails')
    },
    onReconnect: () => {
      reconnects += 1
      wake.resolve()
      throw new Error('a handler that fails')
    },
    log,
  })
  await database.pool.query(`select pg_notify('one', 'a')`)
  await wake.promise
  for (const round of [1, 2]) {
    wake = Promise.withResolvers()
    assert.equal(await cut(database, 'moose listen'), 1)
    await wake.promise
    assert.equal(reconnects, round)
  }
  wake = Promise.withResolvers()
  await database.pool.query(`select pg_notify('Two', '')`)
  await wake.promise
  assert.deepEqual(heard, ['one:a', 'Two:'])
})

test('a listener can be stopped while it is cut off', async () => {
  const database = await createTestDatabase()
  const options = { url: database.url, channels: ['one'], onNotify: () => undefined, onReconnect: () => undefined, log }
  const listening = await listen(options)
  await database[Symbol.asyncDispose]()
  await listening[Symbol.asyncDispose]()
})

test('a listener that cannot connect at first says why', async () => {
  const url = `postgresql://ada:s3cret@127.0.0.1:${await closedPort()}/moose`
  const options = { url, channels: ['one'], onNotify: () => undefined, onReconnect: () => undefined, log }
  await faultOf(listen(options), 'database_unreachable')
})

test('a name has one owner until it is given up', async () => {
  await using database = await createTestDatabase()
  const own = (name: string) => tryOwn({ url: database.url, name, onLost: () => assert.fail('not lost'), log })
  const first = await own('home:/a')
  assert.ok(first)
  assert.equal(await own('home:/a'), null)
  await using other = await own('home:/b')
  assert.ok(other)
  await first[Symbol.asyncDispose]()
  await using again = await own('home:/a')
  assert.ok(again)
})

test('an owner is told once when its connection breaks, and another may own then', async () => {
  await using database = await createTestDatabase()
  const lost = Promise.withResolvers<void>()
  let times = 0
  const onLost = () => {
    times += 1
    lost.resolve()
  }
  await using owner = await tryOwn({ url: database.url, name: 'home:/a', onLost, log })
  assert.ok(owner)
  await cut(database, 'moose owner')
  await lost.promise
  await using next = await tryOwn({ url: database.url, name: 'home:/a', onLost: () => undefined, log })
  assert.ok(next)
  await owner[Symbol.asyncDispose]()
  assert.equal(times, 1)
})

async function cut(database: TestDatabase, applicationName: string): Promise<number | null> {
  const { rowCount } = await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and datname = current_database()`,
    [applicationName],
  )
  return rowCount
}

async function faultOf(promise: Promise<unknown>, code: FaultCode): Promise<Fault> {
  const error = await promise.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof Fault, inspect(error))
  assert.equal(error.code, code)
  return error
}

async function closedPort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

function portOf(server: Server): number {
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

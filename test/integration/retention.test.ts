import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFile,
  link,
  mkdir,
  mkdtempDisposable,
  readdir,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { acquireHome, createHomeOwnership } from '../../src/app/home.ts'
import { reserve } from '../../src/budget/ledger.ts'
import { readBudget } from '../../src/budget/summary.ts'
import { staleService, writeServiceFile } from '../../src/cli/client/service-file.ts'
import { NEVER_ABORTED } from '../../src/clock.ts'
import { readConfig } from '../../src/config.ts'
import { databaseIdentity } from '../../src/db/database-identity.ts'
import { tryOwn } from '../../src/db/lock.ts'
import { examineRecords } from '../../src/doctor/examine-records.ts'
import { examineLeftovers, tidy } from '../../src/doctor/tidy.ts'
import { Fault } from '../../src/faults/fault.ts'
import { Usd } from '../../src/money.ts'
import { findLeftovers } from '../../src/retention/find-leftovers.ts'
import { removeLostWorkspaces } from '../../src/retention/idle-workspaces.ts'
import { noteDatabase } from '../../src/retention/served-databases.ts'
import { shortenPostgresLog, startSweeping, sweep } from '../../src/retention/sweep.ts'
import { createTestDatabase } from '../support/database.ts'
import { gitIn } from '../support/git-remote.ts'
import { by, CALL, NOBODY } from '../support/ledger-rows.ts'
import { openEngineBench, openRetentionBench, type RetentionBench } from '../support/retention-bench.ts'
import { shiftTime } from '../support/shifted-time.ts'
import { createSteppedClock } from '../support/stepped-clock.ts'

const DAY_MS = 24 * 60 * 60_000
const SETTINGS = readConfig({ MOOSE_HOME: '/nowhere', PATH: '/usr/bin' })
const UNKNOWN = '99999999-9999-4999-8999-999999999999'

/** One order in each state there is, with everything an attempt can leave. */
async function leaveEverything(bench: RetentionBench) {
  const keys = {
    running: await bench.attempt('running', 'running'),
    in_review: await bench.attempt('in_review', 'succeeded'),
    suspended: await bench.attempt('blocked', 'blocked'),
    failed: await bench.attempt('failed', 'failed'),
    completed: await bench.attempt('completed', 'succeeded'),
  }
  for (const key of Object.values(keys)) await bench.leave(key)
  const ids = Object.fromEntries(Object.entries(keys).map(([state, { workOrderId }]) => [state, workOrderId]))
  return { keys, of: (...states: (keyof typeof keys)[]) => states.map((state) => String(ids[state])).sort() }
}

const names = (leftovers: Awaited<ReturnType<typeof findLeftovers>>, kind: string) =>
  leftovers
    .filter((leftover) => leftover.kind === kind)
    .map(({ name }) => name.slice(0, 36))
    .sort()

test('doctor finds what nobody uses, and --fix removes it and nothing else', async () => {
  await using bench = await openRetentionBench()
  const { of } = await leaveEverything(bench)
  const unknown = { workOrderId: UNKNOWN, attempt: 1 }
  await mkdir(path.join(bench.deps.config.home, 'workspaces', `${UNKNOWN}-1`))
  await bench.deps.mirrors
    .of(bench.project)
    .keep(`refs/moose/${UNKNOWN}/1`, await bench.remote.git('rev-parse', 'main'))
  const [inReview] = of('in_review')
  // What a person has pushed to its pull request, as a look has kept it.
  await bench.deps.mirrors
    .of(bench.project)
    .keep(`refs/moose/${inReview}/0`, await bench.remote.git('rev-parse', 'main'))

  const found = await findLeftovers(bench.deps)
  const idle = [...of('in_review', 'suspended', 'failed', 'completed'), unknown.workOrderId].sort()
  assert.deepEqual(names(found, 'workspaces'), idle)
  // One that has failed can be verified again, as long as its order is kept.
  assert.deepEqual(names(found, 'commits'), [unknown.workOrderId])
  const measured = found.find(({ name }) => name === `${of('failed')[0]}-1`)
  assert.ok(Number(measured?.bytes) >= 10_000)
  const findings = await examineLeftovers(bench.deps)
  assert.deepEqual(
    findings.map(({ name, state, remedy }) => [name, state, remedy]),
    [
      ['leftover workspaces', 'warning', 'moose doctor --fix'],
      ['leftover commits', 'warning', 'moose doctor --fix'],
    ],
  )
  assert.match(String(findings[0]?.detail), /^5 of attempts that do not run, \d+ kB: .* and 2 more$/)

  const said: string[] = []
  await tidy(bench.deps, { onProgress: (message) => said.push(message), signal: NEVER_ABORTED })
  assert.match(said.join('\n'), /^Removed workspaces: 5 .*\nRemoved commits: 1 /)
  const left = await bench.left()
  assert.deepEqual(left.workspaces, of('running'))
  assert.deepEqual([...new Set(left.commits)], of('running', 'in_review', 'suspended', 'failed', 'completed'))
  assert.deepEqual(left.answers, of('running', 'in_review', 'suspended', 'failed', 'completed'))
  assert.deepEqual(await examineLeftovers(bench.deps), [
    { name: 'leftovers', state: 'ok', detail: 'none', remedy: null },
  ])
})

test('an attempt that goes on, or cleans up itself, and a home the database has never heard of are left alone', async () => {
  await using bench = await openRetentionBench()
  const { db } = bench.database
  const key = await bench.attempt('blocked', 'blocked')
  await bench.leave(key)
  const found = await findLeftovers(bench.deps)
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ['workspaces'],
  )
  assert.deepEqual(await findLeftovers({ ...bench.deps, homeId: 'another-home' }), [])
  await db.updateTable('attempts').set({ status: 'running', ended_at: null }).execute()
  assert.deepEqual(await Promise.all(found.map((leftover) => leftover.remove())), [false])
  assert.deepEqual((await bench.left()).workspaces, [key.workOrderId])
  await db.updateTable('attempts').set({ status: 'failed', ended_at: new Date() }).execute()
  assert.deepEqual(await findLeftovers(bench.deps), [])
})

test('a home that carries out orders of another database too keeps all that lies in it, until that was long ago', async () => {
  await using bench = await openRetentionBench()
  await using other = await createTestDatabase()
  const { home } = bench.deps.config
  const key = await bench.attempt('failed', 'failed')
  await bench.leave(key)
  await mkdir(path.join(home, 'workspaces', `${UNKNOWN}-1`))
  await mkdir(path.join(home, 'mirrors', `${UNKNOWN}.git`))
  await shiftTime(bench.database.db, 31 * DAY_MS)
  await noteDatabase(bench.deps.db, { home, url: bench.deps.databaseUrl })
  await noteDatabase(other.db, { home, url: 'postgres://ada:secret@db.example/moose' })
  assert.deepEqual(await findLeftovers(bench.deps), [])
  const swept = await sweep(bench.deps, NEVER_ABORTED)
  assert.deepEqual([swept.leftovers, swept.mirrors.removed], [0, 0])
  assert.deepEqual((await bench.left()).workspaces, [UNKNOWN, key.workOrderId].sort())
  const [finding, none] = await examineLeftovers(bench.deps)
  assert.equal(none, undefined)
  assert.deepEqual([finding?.name, finding?.state], ['home', 'warning'])
  assert.match(String(finding?.detail), /orders of postgres:\/\/ada:\*\*\*@db\.example\/moose, so no old workspace/)
  const file = String(/rm '(.*)'$/.exec(String(finding?.remedy))?.[1])
  const longAgo = new Date(Date.now() - 31 * DAY_MS)
  await utimes(file, longAgo, longAgo)
  assert.deepEqual(names(await findLeftovers(bench.deps), 'workspaces'), [UNKNOWN, key.workOrderId].sort())
  const after = await sweep(bench.deps, NEVER_ABORTED)
  assert.deepEqual([after.leftovers, after.mirrors.removed], [4, 1])
})

test('whoever takes a home notes there which database it is for', async () => {
  await using bench = await openRetentionBench()
  const { db, databaseUrl, homeId, log } = bench.deps
  const config = readConfig({ MOOSE_HOME: bench.remote.folder, PATH: '/usr/bin' })
  await using ownership = createHomeOwnership(config.home, {
    url: databaseUrl,
    homeId,
    log,
    onLost: () => undefined,
  })
  await acquireHome(ownership, { db, databaseUrl, config, homeId, log })
  assert.deepEqual(await readdir(path.join(config.home, 'databases')), [await databaseIdentity(db)])
})

test('what killed processes left on disk is found: mirrors of gone projects, locks, half packs, half removed folders', async () => {
  await using bench = await openRetentionBench()
  const { home } = bench.deps.config
  await bench.attempt('completed', 'succeeded')
  const { dir } = bench.deps.mirrors.of(bench.project)
  const old = new Date(Date.now() - 2 * DAY_MS)
  for (const file of ['refs/heads/main.lock', 'packed-refs.lock', 'objects/pack/tmp_pack_1', 'refs/heads/new.lock']) {
    await writeFile(path.join(dir, file), 'x')
    if (!file.includes('new')) await utimes(path.join(dir, file), old, old)
  }
  await mkdir(path.join(home, 'mirrors', `${UNKNOWN}.git`))
  await mkdir(path.join(home, 'mirrors', 'somebody-elses'))
  await mkdir(path.join(home, 'removed', 'half'), { recursive: true })
  const found = await findLeftovers(bench.deps)
  assert.deepEqual(found.map(({ kind, name }) => [kind, path.relative(dir, name)]).length, 5)
  assert.deepEqual(
    Array.from(
      Map.groupBy(found, ({ kind }) => kind),
      ([kind, all]) => [kind, all.length],
    ),
    [
      ['removed files', 1],
      ['git files', 3],
      ['mirrors', 1],
    ],
  )
  for (const leftover of found) assert.equal(await leftover.remove(), true, leftover.name)
  assert.deepEqual(await findLeftovers(bench.deps), [])
  assert.deepEqual((await readdir(path.join(home, 'mirrors'))).sort(), [path.basename(dir), 'somebody-elses'])
  assert.deepEqual(await readdir(path.join(home, 'removed')), [])
  assert.ok((await readdir(path.join(dir, 'refs/heads'))).includes('new.lock'))
})

test('a sweep removes what is old of orders that have ended, in its own time each, and no money', async () => {
  await using bench = await openRetentionBench()
  const { db } = bench.database
  const { of } = await leaveEverything(bench)
  await using engine = await openEngineBench(bench.database)
  const everything = of('running', 'in_review', 'suspended', 'failed', 'completed')
  for (const workOrderId of everything) await engine.run({ workOrderId, attempt: 1 }, 'ends')
  const deps = bench.deps
  const reserved = await reserve(db, { ...CALL, ...NOBODY }, new Usd('0.1'))
  await by(bench.database, UNKNOWN, reserved)
  const marked = async () => (await readBudget(db)).unresolved.count

  assert.deepEqual((await sweep(deps, NEVER_ABORTED)).records, { runs: 0, answers: 0, outputs: 0, workers: 0 })
  assert.equal((await engine.runs()).length, 5)
  assert.equal(await marked(), 0)
  await shiftTime(db, 8 * DAY_MS)
  assert.deepEqual((await sweep(deps, NEVER_ABORTED)).records, { runs: 2, answers: 0, outputs: 0, workers: 0 })
  assert.equal(await marked(), 1, 'a call too old to be under way is left to a bill')
  const unfinished = of('running', 'in_review', 'suspended')
  assert.deepEqual(
    await engine.runs(),
    unfinished.map((id) => `wo-${id}-1`),
  )
  assert.deepEqual((await bench.left()).commits, unfinished)
  await shiftTime(db, 31 * DAY_MS)
  assert.deepEqual((await sweep(deps, NEVER_ABORTED)).records, { runs: 0, answers: 2, outputs: 0, workers: 0 })
  await shiftTime(db, 91 * DAY_MS)
  assert.deepEqual((await sweep(deps, NEVER_ABORTED)).records, { runs: 0, answers: 0, outputs: 2, workers: 0 })
  assert.deepEqual(await bench.left(), {
    workspaces: of('running'),
    commits: unfinished,
    outputs: unfinished,
    answers: unfinished,
  })
  const calls = await db.selectFrom('model_calls').select(['cost_usd', 'input_tokens', 'request_key']).execute()
  const call = { cost_usd: '0.5', input_tokens: 10, request_key: 'asked' }
  assert.deepEqual(calls, [call, call, call, call, call])
  const { rows } = await bench.database.pool.query(`select from work_order_events where type = 'step_started'`)
  assert.equal(rows.length, 5)
  const outputs = await bench.database.pool.query('select distinct workflow_uuid from dbos.operation_outputs')
  assert.equal(outputs.rows.length, 3)
})

test('workflows that nobody waits for are leftovers; those of a running, an ending or a suspended attempt are not', async () => {
  await using bench = await openRetentionBench()
  const keys = {
    running: await bench.attempt('running', 'running'),
    ending: await bench.attempt('failed', 'failed'),
    suspended: await bench.attempt('blocked', 'blocked'),
    blocked: await bench.attempt('blocked', 'blocked'),
    ended: await bench.attempt('failed', 'failed'),
    gone: { workOrderId: UNKNOWN, attempt: 1 },
  }
  const waits = JSON.stringify(new Fault('budget_exceeded', 'No money.').toRecord())
  const isSuspended = bench.database.db.updateTable('attempts').set({ error: waits })
  await isSuspended.where('work_order_id', '=', keys.suspended.workOrderId).execute()
  await using engine = await openEngineBench(bench.database)
  for (const key of Object.values(keys)) await engine.run(key, 'hangs')
  await bench.database.db
    .updateTable('attempts')
    .set({ ended_at: new Date(Date.now() + 20 * 60_000) })
    .where('work_order_id', '=', keys.ending.workOrderId)
    .execute()
  assert.deepEqual(await findLeftovers(bench.deps), [])
  await shiftTime(bench.database.db, 21 * 60_000)
  const found = await findLeftovers(bench.deps)
  const left = [keys.ended, keys.blocked, keys.gone].map(({ workOrderId }) => `wo-${workOrderId}-1`)
  assert.deepEqual(found.map(({ name }) => name).sort(), left.sort())
  for (const leftover of found) await leftover.remove()
  const stay = [keys.running, keys.ending, keys.suspended].map(({ workOrderId }) => `wo-${workOrderId}-1`)
  assert.deepEqual(await engine.runs(), stay.sort())
})

test('what is kept for how long can be said in system_config; a malformed row removes nothing and says so', async () => {
  await using bench = await openRetentionBench()
  const { db } = bench.database
  const { of } = await leaveEverything(bench)
  await db.insertInto('system_config').values({ key: 'keep_answers_days', value: '1' }).execute()
  await shiftTime(db, 2 * DAY_MS)
  await sweep(bench.deps, NEVER_ABORTED)
  assert.deepEqual((await bench.left()).answers, of('running', 'in_review', 'suspended'))
  await db.insertInto('system_config').values({ key: 'keep_output_days', value: 'never' }).execute()
  await shiftTime(db, 1_000 * DAY_MS)
  await assert.rejects(sweep(bench.deps, NEVER_ABORTED), /keep_output_days is not a whole number/)
  assert.equal((await bench.left()).outputs.length, 5)
  const [finding] = await examineLeftovers(bench.deps)
  assert.equal(finding?.state, 'broken')
})

test('a mirror nobody uses is removed and comes back when it is needed; one with an unfinished order stays', async () => {
  await using bench = await openRetentionBench()
  const { db } = bench.database
  const { mirrors } = bench.deps
  const key = await bench.attempt('blocked', 'blocked')
  await shiftTime(db, 31 * DAY_MS)
  const { databaseUrl: url, log } = bench.deps
  const other = await tryOwn({ url, name: 'hygiene', onLost: () => undefined, log })
  const { mirrors: upkeep, records } = await sweep(bench.deps, NEVER_ABORTED)
  assert.equal(upkeep.removed, 0)
  assert.equal(records, null, 'another process has the records in hand')
  await other?.[Symbol.asyncDispose]()
  await db.updateTable('work_orders').set({ status: 'cancelled' }).where('id', '=', key.workOrderId).execute()
  const { dir } = mirrors.of(bench.project)
  const swept = await sweep(bench.deps, NEVER_ABORTED)
  assert.equal(swept.mirrors.removed, 1)
  assert.ok(swept.mirrors.freedBytes > 10_000)
  await assert.rejects(stat(dir), /ENOENT/)
  const from = { branch: 'main', into: 'refs/heads/main' }
  const head = await mirrors.of(bench.project).fetchBranch(bench.project, from, null)
  assert.equal(head, await bench.remote.git('rev-parse', 'main'))
})

test('a mirror with many loose objects is packed; one whose attempt began at a rewritten commit waits', async () => {
  await using bench = await openRetentionBench()
  const { dir } = bench.deps.mirrors.of(bench.project)
  const input = Array.from({ length: 2_100 }, (_, index) => path.join(bench.remote.folder, `${index}`))
  for (const file of input) await writeFile(file, file)
  await gitIn(dir, '-c', 'core.fsync=none', 'hash-object', '-w', '--no-filters', ...input)
  await bench.attempt('blocked', 'blocked')
  const rewritten = await gitIn(dir, 'commit-tree', '-m', 'was main once', 'refs/heads/main^{tree}')
  const base = (sha: string) => bench.database.db.updateTable('attempts').set({ base_sha: sha }).execute()
  await base(rewritten)
  assert.equal((await sweep(bench.deps, NEVER_ABORTED)).mirrors.packed, 0)
  await base(await gitIn(dir, 'rev-parse', 'refs/heads/main'))
  assert.equal((await sweep(bench.deps, NEVER_ABORTED)).mirrors.packed, 1)
  assert.match(await gitIn(dir, 'count-objects', '-v'), /^count: 0$/m)
  // No ref leads to it, and it is young: somebody may be about to name it.
  assert.equal(await gitIn(dir, 'cat-file', '-t', rewritten), 'commit')
  assert.equal((await sweep(bench.deps, NEVER_ABORTED)).mirrors.packed, 0)
})

test('the log of the embedded Postgres is bounded', async () => {
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'moose-log-'))
  const data = path.join(folder.path, 'data')
  const log = path.join(folder.path, 'postgres.log')
  assert.equal(await shortenPostgresLog(data), false)
  await writeFile(log, 'short\n')
  assert.equal(await shortenPostgresLog(data), false)
  await truncate(log, 10_000_001)
  assert.equal(await shortenPostgresLog(data), true)
  await appendFile(log, 'goes on\n')
  assert.equal((await stat(log)).size, 8)
  assert.equal((await stat(`${log}.1`)).size, 10_000_001)
})

test('whoever may write beside the log of the embedded Postgres cannot have another file written or emptied', async () => {
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'moose-log-'))
  const data = path.join(folder.path, 'data')
  const log = path.join(folder.path, 'postgres.log')
  const precious = path.join(folder.path, 'precious')
  await writeFile(precious, 'x')
  await truncate(precious, 10_000_001)
  for (const plant of [symlink, link]) {
    await plant(precious, log)
    assert.equal(await shortenPostgresLog(data), false)
    await rm(log)
  }
  await writeFile(log, 'y')
  await truncate(log, 10_000_002)
  await symlink(precious, `${log}.1`)
  assert.equal(await shortenPostgresLog(data), true)
  assert.equal((await stat(precious)).size, 10_000_001)
  assert.deepEqual([(await stat(`${log}.1`)).size, (await stat(log)).size], [10_000_002, 0])
})

test('a service sweeps a minute after its start and once a day, and a sweep that fails is not the last', async () => {
  await using bench = await openRetentionBench()
  const { db } = bench.database
  const clock = createSteppedClock()
  const key = await bench.attempt('failed', 'failed')
  await bench.leave(key)
  await using _sweeping = startSweeping({ ...bench.deps, clock })
  /** How many workspaces there are so much later, once nothing is under way. */
  const after = async (ms: number) => {
    await clock.asleep()
    clock.advance(ms)
    await clock.asleep()
    return (await bench.left()).workspaces.length
  }
  assert.equal(await after(59_999), 1)
  assert.equal(await after(1), 0)
  await bench.leave(key)
  await db.insertInto('system_config').values({ key: 'keep_runs_days', value: 'x' }).execute()
  assert.equal(await after(DAY_MS), 1)
  await db.deleteFrom('system_config').where('key', '=', 'keep_runs_days').execute()
  assert.equal(await after(DAY_MS - 1), 1)
  assert.equal(await after(1), 0)
})

test('doctor says which orders no process runs, and which calls hold money', async () => {
  await using bench = await openRetentionBench()
  const { db, pool } = bench.database
  assert.deepEqual(await examineRecords(db, SETTINGS), [])
  const dead = await bench.attempt('running', 'running')
  await bench.attempt('in_review', 'succeeded')
  const [orders, none] = await examineRecords(db, SETTINGS)
  assert.equal(none, undefined)
  assert.equal(orders?.detail, `1 order is in progress, and no process runs it: ${dead.workOrderId.slice(0, 8)}`)
  await pool.query(
    `insert into workers (executor_id, holder, host, pid, version, revision, lease_until)
     values ('this-home', gen_random_uuid(), 'h', 1, '1', 'r', now() + interval '1 minute')`,
  )
  assert.deepEqual(await examineRecords(db, SETTINGS), [])
  for (const kind of ['reserved', 'unresolved']) {
    await pool.query(
      `insert into budget_entries (reservation_id, kind, amount_usd, proposer, provider, model, holder, day, month)
       values ('${UNKNOWN}', $1, case $1 when 'reserved' then 0.25 else 0 end, 'p', 'p', 'm', gen_random_uuid(), now(), now())`,
      [kind],
    )
  }
  const [held] = await examineRecords(db, SETTINGS)
  assert.match(String(held?.detail), /whether 1 call to a model were charged; \$0\.25 stay reserved/)
})

test('a service.json of a process that is gone is a finding, and --fix removes it; that of a living one stays', async () => {
  await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-service-'))
  const write = (pid: number | undefined) =>
    writeServiceFile(home.path, { url: 'http://127.0.0.1:1', pid: Number(pid), started_at: new Date().toISOString() })
  assert.deepEqual(await staleService(home.path, false), [])
  await write(process.pid)
  assert.deepEqual(await staleService(home.path, true), [])
  assert.deepEqual(await readdir(home.path), ['service.json'])
  await write(spawnSync('true').pid)
  const [finding] = await staleService(home.path, false)
  assert.match(String(finding?.detail), /^service\.json names process \d+, which is gone$/)
  assert.deepEqual(await staleService(home.path, true), [])
  assert.deepEqual(await readdir(home.path), [])
})

test('a malformed number of days is an error that names it', () => {
  const read = (days: string) => readConfig({ MOOSE_HOME: '/tmp', PATH: '/usr/bin', MOOSE_KEEP_ANSWERS_DAYS: days })
  assert.throws(() => read('0'), /MOOSE_KEEP_ANSWERS_DAYS is not between 1 and 36500/)
  assert.throws(() => read('1.5'), /MOOSE_KEEP_ANSWERS_DAYS is not a whole number/)
  assert.equal(read('').kept.answers, 30)
  assert.equal(read('36500').kept.answers, 36_500)
})

test('what a set-up left is found when its project is gone, it was not wanted for long, or it was never finished', async () => {
  await using bench = await openRetentionBench()
  await bench.attempt('failed', 'failed')
  const { home } = bench.deps.config
  await writeFile(path.join(home, 'executor-id'), '')
  const longAgo = new Date(Date.now() - 31 * DAY_MS)
  const place = async (project: string, name: string, when: Date | null): Promise<void> => {
    const folder = path.join(home, 'caches', project, name)
    await mkdir(path.join(folder, 'content'), { recursive: true })
    await writeFile(path.join(folder, 'kept.json'), '{}')
    if (when === null) return
    for (const at of [path.join(folder, 'kept.json'), folder]) await utimes(at, longAgo, longAgo)
  }
  const [old, used] = ['a'.repeat(64), 'b'.repeat(64)]
  await place(bench.project.id, old, longAgo)
  await place(bench.project.id, used, null)
  await place(bench.project.id, `.${UNKNOWN}`, longAgo)
  await place(bench.project.id, 'of another program', longAgo)
  await place(UNKNOWN, used, null)
  const found = (await findLeftovers(bench.deps)).filter(({ kind }) => kind === 'caches')
  const expected = [`${bench.project.id}/${old}`, `${bench.project.id}/.${UNKNOWN}`, UNKNOWN].sort()
  assert.deepEqual(found.map(({ name }) => name).sort(), expected)
  for (const leftover of found) assert.equal(await leftover.remove(), true)
  assert.deepEqual(await readdir(path.join(home, 'caches')), [bench.project.id])
  assert.deepEqual(
    (await readdir(path.join(home, 'caches', bench.project.id))).sort(),
    [used, 'of another program'].sort(),
  )
})

test('a start removes the numbered folders of a process that was killed', async () => {
  await using bench = await openRetentionBench()
  const root = path.join(bench.deps.config.home, 'workspaces')
  for (const name of [`${bench.project.id}.0`, `${UNKNOWN}-1`, 'mine.0'])
    await mkdir(path.join(root, name, 'tree'), { recursive: true })
  await removeLostWorkspaces(bench.deps)
  assert.deepEqual((await readdir(root)).sort(), [`${UNKNOWN}-1`, 'mine.0'].sort())
})

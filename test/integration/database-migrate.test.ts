import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type pg from 'pg'
import { migrate, pendingMigrations, readMigrations } from '../../src/db/migrate.ts'
import { createPool } from '../../src/db/pool.ts'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { createLog } from '../../src/log.ts'
import { createEmptyTestDatabase, createTestDatabase } from '../support/database.ts'

const names = (await readMigrations()).map(({ name }) => name)

/** Those after which an older Moose cannot work. */
const BREAKING = new Set(['0004_step_tries', '0005_budget'])

test('ten migrations at once apply each file once', async () => {
  await using database = await createEmptyTestDatabase()
  assert.deepEqual(await pendingMigrations(database.pool), names)
  const pools = Array.from({ length: 10 }, () => createPool(database.url, createLog('silent')))
  const results = await Promise.all(pools.map((pool) => migrate(pool)))
  await Promise.all(pools.map((pool) => pool.end()))
  assert.deepEqual(results.flatMap(({ applied }) => applied).sort(), names)
  assert.deepEqual(new Set(results.map(({ current }) => current)), new Set([names.at(-1)]))
  const { rows } = await database.pool.query('select name, breaking from moose_migrations order by number')
  assert.deepEqual(
    rows,
    names.map((name) => ({ name, breaking: BREAKING.has(name) })),
  )
  assert.deepEqual(await pendingMigrations(database.pool), [])
})

test('a newer schema is refused when it is breaking and tolerated when it is not', async () => {
  await using database = await createTestDatabase()
  await database.pool.query(`insert into moose_migrations values (9998, '9998_extra', false, 'x')`)
  assert.deepEqual((await migrate(database.pool)).applied, [])
  await database.pool.query(`insert into moose_migrations values (9999, '9999_rename', true, 'x')`)
  await assertFault(migrate(database.pool), 'database_schema_newer', /newer schema 9999_rename.*Upgrade moose/)
  await assertFault(pendingMigrations(database.pool), 'database_schema_newer', /9999_rename/)
})

test('an applied migration that was changed or is unknown is refused', async () => {
  await using database = await createTestDatabase()
  await database.pool.query(`update moose_migrations set checksum = 'x' where number = 2`)
  await assertFault(migrate(database.pool), 'database_refused', /0002_rules was applied .* with other contents/)
})

test('a failing migration leaves nothing of itself and keeps those before it', async () => {
  await using database = await createEmptyTestDatabase()
  await using folder = await makeFolder({
    '0001_one.sql': 'create table one ()',
    '0002_two.sql': '-- breaking\ncreate table two (); select 1 / 0',
  })
  await assertFault(migrate(database.pool, folder.path), 'internal', /0002_two failed: division by zero/)
  assert.deepEqual(await tables(database.pool), ['moose_migrations', 'one'])
  assert.deepEqual(await pendingMigrations(database.pool, folder.path), ['0002_two'])
  await writeFile(path.join(folder.path, '0002_two.sql'), '-- breaking\ncreate table two ()')
  assert.deepEqual(await migrate(database.pool, folder.path), { applied: ['0002_two'], current: '0002_two' })
  const { rows } = await database.pool.query('select number, breaking from moose_migrations order by number')
  assert.deepEqual(rows, [
    { number: 1, breaking: false },
    { number: 2, breaking: true },
  ])
})

test('a checkout with other line ends has the same migrations', async () => {
  await using unix = await makeFolder({ '0001_one.sql': '-- breaking\nselect 1;\n' })
  await using windows = await makeFolder({ '0001_one.sql': '-- breaking\r\nselect 1;\r\n' })
  assert.deepEqual(await readMigrations(windows.path), await readMigrations(unix.path))
})

test('badly named and doubly numbered files are refused', async () => {
  await using odd = await makeFolder({ '1_one.sql': '' })
  await assertFault(readMigrations(odd.path), 'internal', /1_one\.sql is not named NNNN_name\.sql/)
  await using twice = await makeFolder({ '0001_one.sql': '', '0001_two.sql': '' })
  await assertFault(readMigrations(twice.path), 'internal', /Two migrations have the number of 0001_two/)
})

test('a database of the first Moose is migrated in place and loses no row', async () => {
  await using database = await createEmptyTestDatabase()
  await database.pool.query(`
    create table projects (id uuid primary key default gen_random_uuid(), name text not null unique, local_path text not null,
      default_branch text default 'main', created_at timestamptz default now());
    create table work_orders (id uuid primary key default gen_random_uuid(), title text not null, description text,
      status text default 'pending', risk_level text, proposer_id text, estimated_cost numeric, actual_cost numeric,
      acceptance_criteria jsonb, files_in_scope jsonb, metadata jsonb, github_branch text, project_id uuid,
      created_at timestamptz default now(), updated_at timestamptz, completed_at timestamptz);
    create table system_config (key text primary key, value text);
    create table outcome_vectors (id uuid primary key default gen_random_uuid(), work_order_id uuid, model_used text,
      success boolean, metadata jsonb);
    create table github_events (id uuid primary key default gen_random_uuid(), event_type text, payload jsonb);
    create table proposer_configs (name text primary key, model text, provider text, active boolean);
    insert into projects (name, local_path) values ('shop', '/srv/shop');
    insert into work_orders (title, status, metadata) values
      ('a', 'approved', null), ('b', 'needs_review', '{"x": 1}'), ('c', 'completed', '{}');
    insert into proposer_configs values ('gpt-4o-mini', 'gpt-4o-mini', 'openai', false);
  `)
  assert.deepEqual((await migrate(database.pool)).applied, names)
  const orders = await database.pool.query('select title, status, metadata from work_orders order by title')
  assert.deepEqual(orders.rows, [
    { title: 'a', status: 'approved', metadata: null },
    { title: 'b', status: 'needs_review', metadata: { x: 1 } },
    { title: 'c', status: 'completed', metadata: {} },
  ])
  const proposer = await database.pool.query(`select active from proposer_configs where name = 'gpt-4o-mini'`)
  assert.deepEqual(proposer.rows, [{ active: false }])
  await database.pool.query(`update work_orders set status = 'pending' where title = 'a'`)
})

test('reruns of checks of before are unfinished where their order is merged, and go on where it may still be', async () => {
  await using database = await createEmptyTestDatabase()
  const all = await readMigrations()
  await using folder = await makeFolder(
    Object.fromEntries(all.filter(({ name }) => name < '0036').map(({ name, sql }) => [`${name}.sql`, sql])),
  )
  await migrate(database.pool, folder.path)
  await database.pool.query(`
    insert into work_orders (title, status) values ('merged', 'completed'), ('closed', 'cancelled'), ('open', 'pending');
    insert into follow_ups (work_order_id, kind, head_sha, fingerprint, because, outcome)
      select id, kind, 'a', title || kind || outcome, 'red', nullif(outcome, '')
      from work_orders, (values ('rerun', ''), ('rerun', 'asked'), ('rerun', 'running'), ('rerun', 'flaky'), ('checks', ''))
        as past (kind, outcome)`)
  await migrate(database.pool)
  const { rows } = await database.pool.query(`
    select title, array_agg(coalesce(outcome, 'none') order by follow_ups.id) as outcomes
    from follow_ups join work_orders on work_orders.id = work_order_id group by title order by title`)
  const same = ['none', 'asked', 'running', 'flaky', 'none']
  assert.deepEqual(rows, [
    { title: 'closed', outcomes: same },
    { title: 'merged', outcomes: ['unfinished', 'unfinished', 'unfinished', 'flaky', 'none'] },
    { title: 'open', outcomes: same },
  ])
})

async function makeFolder(files: Record<string, string>): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-migrations-'))
  await mkdir(folder, { recursive: true })
  for (const [name, contents] of Object.entries(files)) await writeFile(path.join(folder, name), contents)
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

async function tables(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by tablename`,
  )
  return rows.map(({ name }) => name)
}

async function assertFault(promise: Promise<unknown>, code: FaultCode, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof Fault)
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  })
}

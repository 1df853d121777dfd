import assert from 'node:assert/strict'
import { test } from 'node:test'
import type pg from 'pg'
import type { Moose } from '../../src/app.ts'
import { leftProject } from '../../src/db/first-moose/left-rows.ts'
import { migrate, readMigrations } from '../../src/db/migrate.ts'
import { createEmptyTestDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { FIRST_MOOSE } from '../support/first-moose.ts'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const NAMES = (await readMigrations()).map(({ name }) => name)
const PATIENT = { ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000', OPENAI_COMPATIBLE_API_KEY: 'sk-1' }

async function firstDatabase(more = ''): Promise<TestDatabase> {
  const database = await createEmptyTestDatabase()
  await database.pool.query(FIRST_MOOSE + more)
  return database
}

async function migrated(): Promise<TestDatabase> {
  const database = await firstDatabase()
  await migrate(database.pool)
  return database
}

type Table = { table: string; columns: string[]; rows: unknown[] }

async function tables(pool: pg.Pool): Promise<Table[]> {
  const { rows } = await pool.query<{ table: string; columns: string[] }>(
    `select table_name as table, array_agg(column_name::text order by column_name) as columns
     from information_schema.columns where table_schema = 'public' group by 1 order by 1`,
  )
  return Promise.all(rows.map(async (row) => ({ ...row, rows: await rowsOf(pool, row) })))
}

async function rowsOf(pool: pg.Pool, { table, columns }: Pick<Table, 'table' | 'columns'>): Promise<unknown[]> {
  const json = columns.map((column) => `'${column}', ${column}`).join(', ')
  // Numbers as they are written: 1.230000 is no other amount than 1.23.
  const { rows } = await pool.query(`select jsonb_build_object(${json}) as row from ${table}`)
  const texts = rows.map(({ row }) => JSON.stringify(row))
  return texts.sort()
}

async function addProject(moose: Moose, repository: string): Promise<Record<string, unknown>> {
  const init = {
    method: 'POST',
    body: JSON.stringify({ name: 'shop', repository }),
    headers: { 'Content-Type': 'application/json' },
  }
  const response = await moose.http.fetch(new Request('http://127.0.0.1/api/projects', init))
  return Object(await response.json())
}

/** As the first Moose's Director files an order that it approves. @returns its id */
async function directorFiles(pool: pg.Pool, file: string): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `insert into work_orders (title, description, status, risk_level, acceptance_criteria, files_in_scope, decomposition_doc,
      architect_version, proposer_id, project_id, metadata)
    select 'from the Director', 'a is one', 'approved', 'low', '["a is one"]', jsonb_build_array($1::text), '# Plan', 'v1',
      proposer_configs.id, projects.id, '{"auto_approved": true}'
    from projects, proposer_configs where projects.name = 'shop' and proposer_configs.name = 'gpt-4o-mini'
    returning id`,
    [file],
  )
  return String(rows[0]?.id)
}

test('life F1: a database of the first Moose is migrated in place, and every row of every table is as it was', async () => {
  await using database = await firstDatabase()
  const before = await tables(database.pool)
  assert.ok(before.length > 25 && before.every(({ rows }) => rows.length > 0), 'rows in every table')
  assert.deepEqual((await migrate(database.pool)).applied, NAMES)
  for (const { table, columns, rows } of before) {
    const now = await rowsOf(database.pool, { table, columns })
    // A proposer of today that the first Moose had not is another row.
    assert.deepEqual(
      now.filter((row) => rows.includes(row)),
      rows,
      table,
    )
  }
})

test('life F1: orders of the first Moose run: its Director files one, and a project gets its repository', async () => {
  await using server = await startModelServer({
    kind: 'text',
    text: '### write src/a.ts\n```\nlet a = 1\n```\n',
    input: 1234,
    output: 567,
  })
  await using home = await createMooseHome({ 'src/a.ts': 'let a = 0\n' }, [], PATIENT, migrated)
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await home.database.pool.query(`update projects set local_path = $1, github_repo_url = null where name = 'shop'`, [
    home.remote.path,
  ])
  await using moose = await home.open()
  const added = await addProject(moose, home.remote.path)
  assert.deepEqual([added['restored'], added['approved_orders']], [true, 1], JSON.stringify(added))
  await moose.orchestrator.start(null)
  const filed = await directorFiles(home.database.pool, 'src/a.ts')
  const taken = await home.database.pool.query<{ id: string }>(
    `select id from work_orders where title = 'order approved'`,
  )
  for (const id of [filed, ...taken.rows.map((row) => row.id)]) {
    const order = await settled(moose, id)
    assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
    assert.deepEqual([order.project, order.proposer], ['shop', 'stand-in'])
    const { rows } = await home.database.pool.query(
      `select actual_cost::text, cost::text, failure_class, proposer_configs.name, payload from work_orders
       join outcome_vectors on work_order_id = work_orders.id and agent_name is not null
       join proposer_configs on proposer_configs.id = proposer_id
       join github_events on github_events.work_order_id = work_orders.id and action = 'opened'
       where work_orders.id = $1`,
      [id],
    )
    assert.deepEqual(rows, [
      { actual_cost: '0.012207', cost: '0.012207', failure_class: null, name: 'stand-in', payload: {} },
    ])
  }
  const other = await settled(moose, await directorFiles(home.database.pool, 'src/b.ts'))
  assert.equal(other.status_reason?.code, 'change_out_of_scope', JSON.stringify(other.status_reason))
  const { rows: outcomes } = await home.database.pool.query(
    'select failure_class from outcome_vectors where work_order_id = $1',
    [other.id],
  )
  assert.deepEqual(outcomes, [{ failure_class: 'contract_violation' }])
})

test('life F1: a project of the first Moose is found by its address or its folder, and another one of its name is not', async () => {
  const place = '/srv/shop'
  const origin = { repository: 'git@github.com:acme/shop.git', forgeHost: null, place }
  const { db, pool, ...database } = await migrated()
  await using _ = database
  const idOf = async (project: Parameters<typeof leftProject>[1]) => (await leftProject(db, project))?.name
  assert.equal(await idOf({ ...origin, name: 'renamed' }), 'shop')
  assert.equal(await idOf({ ...origin, name: 'shop', repository: 'https://github.com/other/shop' }), undefined)
  assert.equal(
    await idOf({ name: 'x', repository: 'https://git.example/x', forgeHost: null, place: '/srv/site' }),
    'site',
  )
  assert.equal(await idOf({ name: 'site', repository: 'https://git.example/x', forgeHost: null, place }), 'site')
  await pool.query(`insert into projects (name, local_path) values ('site', '/srv/second')`)
  assert.equal(await idOf({ name: 'site', repository: 'https://git.example/x', forgeHost: null, place }), undefined)
})

test('life F1: an order the first Moose has given to a proposer shows its name', async () => {
  await using home = await createMooseHome({ a: '1\n' }, [], PATIENT, migrated)
  await using moose = await home.open('client')
  const { rows } = await home.database.pool.query<{ id: string }>(
    `select id from work_orders where status = 'completed'`,
  )
  assert.equal((await detailOf(moose, String(rows[0]?.id))).proposer, 'gpt-4o-mini')
  const [finding] = (await moose.doctor(null)).filter(({ detail }) => /first Moose/.test(detail))
  assert.match(String(finding?.detail), /statuses of its own .*1 approved, 1 blocked_by_conflicts/)
})

test('life F1: what cannot be kept is named before anything is changed', async () => {
  await using database = await firstDatabase(`
    create view spent as select sum(actual_cost) from work_orders;
    alter table outcome_vectors alter column metadata drop default, alter column metadata type text;`)
  const before = await tables(database.pool)
  const fault = await faultOf(migrate(database.pool))
  assert.equal(fault.code, 'database_refused', fault.message)
  assert.match(
    fault.message,
    /outcome_vectors\.metadata is text.*view spent uses work_orders\.actual_cost, which is numeric\(10,2\)/,
  )
  assert.match(fault.message, /Nothing was changed\./)
  assert.deepEqual(await tables(database.pool), before)
  await database.pool.query(
    `drop view spent; alter table outcome_vectors alter column metadata type jsonb using metadata::jsonb`,
  )
  await migrate(database.pool)
})

test('life F1: a database of Moose has the columns that the programs of the first Moose name', async () => {
  await using first = await firstDatabase()
  await using own = await createTestDatabase()
  const shared = ['projects', 'work_orders', 'github_events', 'outcome_vectors', 'proposer_configs', 'system_config']
  const [theirs, ours] = await Promise.all([tables(first.pool), tables(own.pool)])
  for (const name of shared) {
    const has = ours.find(({ table }) => table === name)?.columns
    assert.deepEqual(
      theirs.find(({ table }) => table === name)?.columns.filter((column) => has?.includes(column) === false),
      [],
    )
  }
})

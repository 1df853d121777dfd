import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { SupabaseClient } from '@supabase/supabase-js'
import { openMoose } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/db/connect.ts'
import { migrate, readMigrations } from '../../src/db/migrate.ts'
import { createPool } from '../../src/db/pool.ts'
import { createLog } from '../../src/log.ts'
import { createTestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { FIRST_MOOSE, OPEN_TO_EVERYBODY } from '../support/first-moose.ts'
import { moose } from '../support/moose-command.ts'
import { createMooseHome, settled } from '../support/moose-home.ts'
import { postgrestOrSkip, query, type RestApi, run, type Supabase, startSupabase } from '../support/supabase.ts'
import { connector, rowsOf } from '../support/supabase-client.ts'

const log = createLog('silent')
const ROOT = path.join(import.meta.dirname, '../..')
const TITLE = 'Greet the world'

test('Supabase', async (t) => {
  const postgrest = postgrestOrSkip(t)
  if (postgrest === null) return
  await using supabase = await startSupabase(postgrest, migrateOnce)
  await t.test('a Director with supabase-js files and approves, and the order runs', () => directorsOrder(supabase))
  const { url, urlOf } = await supabase.createProject({ name: 'first', openByDefault: true })
  await t.test('a database of the first Moose keeps every row', () => keepsEveryRow(url))
  await t.test('a user who would see no rows is refused', () => hiddenRowsAreRefused(url, urlOf('clerk')))
  await t.test('roles that came after the migration', () => rolesCameLater(supabase))
})

test('variables of Supabase without DATABASE_URL: every command and doctor say which connection string is needed', async () => {
  await using home = await createMooseHome({ a: '1' }, [])
  const { DATABASE_URL: url, ...environment } = home.environment
  const named = { ...environment, NEXT_PUBLIC_SUPABASE_URL: 'https://abcdefghijklmnopqrst.supabase.co' }
  const says = /DATABASE_URL is not, .*dashboard\/project\/abcdefghijklmnopqrst.*DATABASE_URL=postgresql:/
  // One that asks no database.
  assert.match((await moose(['stop'], { environment: named })).stderr, says)
  assert.doesNotMatch((await moose(['stop'], { environment: { ...named, DATABASE_URL: String(url) } })).stderr, says)
  assert.doesNotMatch((await moose(['stop'], { environment })).stderr, says)
  const { missingConnection } = readConfig(named)
  await using open = await openMoose({ ...home.config, missingConnection }, { log, role: 'client' })
  const finding = (await open.doctor(null)).find(({ name }) => name === 'supabase')
  assert.deepEqual([finding?.state, says.test(String(finding?.detail))], ['warning', true])
})

test('without roles of Supabase row level security is on, and the owner is not held to it', async () => {
  await using database = await createTestDatabase()
  const { rows } = await database.pool.query(
    `select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and not relrowsecurity`,
  )
  assert.deepEqual(rows, [])
  await database.pool.query(`insert into work_orders (title) values ('mine')`)
  assert.equal((await database.db.selectFrom('work_orders').select('title').execute()).length, 1)
})

async function migrateOnce(url: string): Promise<void> {
  const pool = createPool(url, log)
  await migrate(pool)
  await pool.end()
}

async function migrateByCommand(url: string): Promise<string[]> {
  const environment = { DATABASE_URL: url, MOOSE_HOME: '/nonexistent/home', MOOSE_LOG_LEVEL: 'silent' }
  const { exitCode, stdout, stderr } = await moose(['migrate', '--json'], { environment })
  assert.equal(exitCode, 0, `${stdout}${stderr}`)
  return JSON.parse(stdout).applied
}

/** As the specification has it (4.1, 4.7, 6.2), in a project whose new tables are open to nobody by themselves. */
async function directorsOrder(supabase: Supabase): Promise<void> {
  const project = await supabase.createProject({ name: 'fresh', openByDefault: false })
  const text = '### write greeting.txt\n```\nhello, world\n```\n'
  await using home = await createMooseHome(
    { 'greeting.txt': 'hello\n', 'moose.yaml': 'checks:\n  - { name: it greets, run: grep -q world greeting.txt }\n' },
    [{ task: TITLE, turn: 1, text }],
    // So long that only a notification can have woken the dispatcher.
    { DATABASE_URL: project.url, ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000' },
  )
  assert.deepEqual(
    await migrateByCommand(project.url),
    (await readMigrations()).map(({ name }) => name),
  )
  await using api = await project.serve()
  const director = connector(api)('service_role')
  await setUp(director, home.remote.path)
  await using running = await home.open()
  await running.orchestrator.start(null)

  const id = await runSnippet(api)
  const order = await settled(running, id)
  assert.deepEqual([order.status, order.phase], ['in_progress', 'in_review'], JSON.stringify(order.status_reason))

  const [seen] = await rowsOf(director.from('work_orders').select('*').eq('id', id))
  assert.ok(seen.github_pr_number > 0 && seen.github_branch.startsWith('feature/wo-'))
  const events = await rowsOf(director.from('github_events').select('event_type, action').eq('work_order_id', id))
  assert.deepEqual(events, [{ event_type: 'pull_request', action: 'opened' }])
  const outcomes = director.from('outcome_vectors').select('agent_name, success').eq('work_order_id', id)
  assert.deepEqual(await rowsOf(outcomes), [{ agent_name: 'orchestrator', success: true }])
  const hidden = await connector(api)('service_role').schema('dbos').from('workflow_status').select()
  assert.equal(hidden.error?.code, 'PGRST106')
  await trackByHand(director)
}

/** The Director of docs/supabase.md, in a process of its own. @returns the id of the order */
async function runSnippet(api: RestApi): Promise<string> {
  const [, program] = /```js\n(.*?)```/s.exec(await readFile(path.join(ROOT, 'docs/supabase.md'), 'utf8')) ?? []
  const key = api.tokenOf('service_role')
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', String(program)], {
    cwd: ROOT,
    env: { SUPABASE_URL: api.url, SUPABASE_SERVICE_ROLE_KEY: key },
  })
  return stdout.trim()
}

async function setUp(director: SupabaseClient, repository: string): Promise<void> {
  const config = [
    { key: 'orchestrator_enabled', value: 'true', description: 'Enable automatic polling' },
    { key: 'orchestrator_max_concurrent', value: '3', description: 'At once' },
  ]
  await rowsOf(director.from('system_config').upsert(config, { onConflict: 'key', ignoreDuplicates: true }).select())
  await rowsOf(director.from('projects').insert({ name: 'sample', repository, forge: 'local' }).select())
  await rowsOf(director.from('proposer_configs').update({ active: false }).neq('name', '').select())
  const scripted = { name: 'scripted', provider: 'replay', model: 'scripted', complexity_threshold: 1 }
  await rowsOf(director.from('proposer_configs').insert(scripted).select())
}

/** The writes of the specification's own result tracker, and its poll. */
async function trackByHand(director: SupabaseClient): Promise<void> {
  const blank = { title: 'By hand', metadata: { approved_by_director: 'true' }, files_in_scope: [], status: 'blocked' }
  const [{ id }] = await rowsOf(director.from('work_orders').insert(blank).select())
  const polled = director
    .from('work_orders')
    .select('*')
    .eq('status', 'blocked')
    .eq('metadata->>approved_by_director', 'true')
    .order('created_at', { ascending: true })
    .limit(10)
  assert.deepEqual(
    (await rowsOf(polled)).map((row) => row.id),
    [id],
  )
  const failed = { status: 'cancelled', metadata: { orchestrator_error: { stage: 'routing', message: 'no' } } }
  const moved = director.from('work_orders').update(failed).eq('id', id).eq('status', 'blocked').select('id')
  assert.deepEqual(await rowsOf(moved), [{ id }])
  const event = { event_type: 'pull_request', action: 'opened', pr_number: 99, branch_name: 'b', work_order_id: id }
  await rowsOf(
    director
      .from('github_events')
      .insert({ ...event, metadata: { pr_url: 'x' } })
      .select(),
  )
  const again = await director.from('github_events').insert(event)
  assert.equal(again.error?.code, '23505')
  const outcome = {
    agent_name: 'orchestrator',
    operation_type: 'work_order_execution',
    success: false,
    metadata: { id },
  }
  await rowsOf(director.from('outcome_vectors').insert(outcome).select())
}

async function keepsEveryRow(url: string): Promise<void> {
  await run(url, [FIRST_MOOSE, OPEN_TO_EVERYBODY])
  const names = ['projects', 'work_orders', 'github_events', 'outcome_vectors', 'cost_tracking', 'proposer_configs']
  names.push('system_config', 'escalations')
  const before = new Map<string, Record<string, unknown>[]>()
  for (const name of names) before.set(name, await query(url, `select * from ${name} order by 1`))
  assert.equal((await migrateByCommand(url)).length, (await readMigrations()).length)
  for (const [name, rows] of before) {
    const columns = Object.keys(rows[0] ?? {}).join(', ')
    const added = name === 'proposer_configs' ? `where name in ('gpt-4o-mini', 'claude-sonnet-4-5')` : ''
    assert.deepEqual(await query(url, `select ${columns} from ${name} ${added} order by 1`), rows, name)
  }
}

async function hiddenRowsAreRefused(url: string, asClerk: string): Promise<void> {
  const administrator = url.replace('//postgres@', '//moose@')
  await run(administrator, ['create role clerk login', 'grant all on all tables in schema public to clerk'])
  const open = async () => await openDatabase({ databaseUrl: asClerk, home: '/nowhere', log })
  const fault = await faultOf(open())
  assert.equal(fault.code, 'database_refused')
  assert.match(fault.message, /The user clerk .* row level security hides .* grant postgres to clerk$/)
  await run(administrator, ['grant postgres to clerk'])
  await using database = await open()
  assert.ok((await database.db.selectFrom('work_orders').select('id').execute()).length > 0)
}

/** In the database that was migrated before there was any of them: nobody gets in until it is said once more. */
async function rolesCameLater(supabase: Supabase): Promise<void> {
  const { url } = supabase.beforeRoles
  const allowed = `select count(*)::int as count from information_schema.role_table_grants
    where table_name = 'work_orders' and grantee in ('anon', 'authenticated', 'service_role')`
  assert.deepEqual(await query(url, allowed), [{ count: 0 }])
  await run(url, ['select moose_secure()', 'select moose_secure()'])
  const allowedNow = `select has_table_privilege('service_role', 'work_orders', 'delete') as service,
    has_table_privilege('authenticated', 'work_orders', 'select') as people,
    has_table_privilege('anon', 'work_orders', 'select') as anon`
  assert.deepEqual(await query(url, allowedNow), [{ service: true, people: true, anon: false }])
}

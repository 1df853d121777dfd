import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { type Moose, openMoose } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { type WorkOrderDetail, WorkOrderDetailResponse } from '../../src/contract/work-orders.ts'
import type { Database } from '../../src/db/schema.ts'
import { createLog } from '../../src/log.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { createGitRemote, type FileChange, type GitRemote } from './git-remote.ts'
import { until } from './until.ts'

export type RecordedAnswer = { task: string; turn: number; text: string; delay_ms?: number; finish_reason?: string }

/** A home with a project on a real bare repository, a database of its own and scripted answers. */
export type MooseHome = AsyncDisposable & {
  config: Config
  remote: GitRemote
  database: TestDatabase
  /** What a `moose` subprocess needs to work on this home. */
  environment: Record<string, string>
  open(role?: 'service' | 'client'): Promise<Moose>
}

/**
 * @param files of the first commit, by path
 * @param answers what the `replay` provider says
 * @param makeDatabase where not on the Postgres all tests share
 */
export async function createMooseHome(
  files: Readonly<Record<string, FileChange>>,
  answers: readonly RecordedAnswer[],
  settings: Record<string, string> = {},
  makeDatabase: () => Promise<TestDatabase> = createTestDatabase,
): Promise<MooseHome> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-home-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const database = stack.use(await makeDatabase())
  const remote = stack.use(await createGitRemote(files))
  const replayDir = path.join(folder, 'recordings')
  await mkdir(replayDir)
  const recordings = {
    proposer: 'scripted',
    note: 'written for this test',
    answers: answers.map((answer) => ({ usage: { input: 100, output: 20 }, ...answer })),
  }
  await writeFile(path.join(replayDir, 'answers.json'), JSON.stringify(recordings))
  await useReplayOnly(database)
  await addProject(database, remote)
  const environment = {
    MOOSE_HOME: path.join(folder, 'home'),
    MOOSE_REPLAY_DIR: replayDir,
    MOOSE_PORT: '0',
    MOOSE_LOG_LEVEL: 'silent',
    DATABASE_URL: database.url,
    PATH: String(process.env['PATH']),
    ...sandboxSettings(),
    ...settings,
  }
  const config = readConfig(environment)
  const owned = stack.move()
  return {
    config,
    remote,
    database,
    environment,
    open: (role = 'service') => openMoose(config, { log: createLog(config.logLevel), role }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** What confines foreign code, where a whole run of the tests is told. */
function sandboxSettings(): Record<string, string> {
  const { MOOSE_SANDBOX: sandbox } = process.env
  return sandbox === undefined ? {} : { MOOSE_SANDBOX: sandbox }
}

async function useReplayOnly({ db }: TestDatabase): Promise<void> {
  await db.updateTable('proposer_configs').set({ active: false }).execute()
  await db
    .insertInto('proposer_configs')
    .values({ name: 'scripted', provider: 'replay', model: 'scripted', complexity_threshold: 1 })
    .execute()
}

async function addProject({ db }: TestDatabase, remote: GitRemote): Promise<void> {
  await db
    .insertInto('projects')
    .values({ name: 'sample', repository: remote.path, default_branch: 'main', forge: 'local' })
    .execute()
}

/** Files an approved order as a Director with plain SQL would. @returns its id */
export async function fileOrder(
  { db }: TestDatabase,
  order: {
    title: string
    files: readonly string[]
    criteria?: readonly string[]
    approved?: boolean
    /** Left out where there is only one. */
    projectId?: string
  },
): Promise<string> {
  const { id } = await db
    .insertInto('work_orders')
    .values({
      title: order.title,
      description: `${order.title}, please.`,
      risk_level: 'low',
      files_in_scope: JSON.stringify(order.files),
      acceptance_criteria: JSON.stringify(order.criteria === undefined ? [] : order.criteria),
      metadata: JSON.stringify(order.approved === false ? {} : { approved_by_director: true }),
      ...(order.projectId === undefined ? {} : { project_id: order.projectId }),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** The order as the API shows it. */
export async function detailOf(moose: Moose, id: string): Promise<WorkOrderDetail> {
  const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}`))
  return WorkOrderDetailResponse.parse(await response.json()).work_order
}

/** The order as the API shows it once it is at rest. @throws {Error} as `rested` does */
export async function settled(moose: Moose, id: string, withinMs?: number): Promise<WorkOrderDetail> {
  await rested(moose.db, id, withinMs)
  return await detailOf(moose, id)
}

/**
 * Waits until the order is in none of the moving states and no attempt of it runs. By one short query: what is looked at
 * so often must not keep a small machine from getting there.
 *
 * @throws {Error} when it still moves by then, with where it stands
 */
export async function rested(db: Kysely<Database>, id: string, withinMs = 60_000): Promise<void> {
  const look = async () => {
    const { rows } = await sql<{ moves: boolean }>`
      select status = 'pending' or (status = 'in_progress' and phase is distinct from 'in_review')
        or exists (select from attempts where work_order_id = work_orders.id and attempts.status = 'running') as moves
      from work_orders where id = ${id}`.execute(db)
    return rows[0]?.moves === false
  }
  await until('the order is at rest', look, { withinMs, say: () => standing(db, id) })
}

/** Where an order stands, with what the database is asked meanwhile, the last notes and the end of its attempts. */
async function standing(db: Kysely<Database>, id: string): Promise<string> {
  const order = await db.selectFrom('work_orders').selectAll().where('id', '=', id).executeTakeFirst()
  const attempts = await db.selectFrom('attempts').selectAll().where('work_order_id', '=', id).execute()
  const notes = await db
    .selectFrom('work_order_events')
    .select(['type', 'message'])
    .where('work_order_id', '=', id)
    .orderBy('id', 'desc')
    .limit(5)
    .execute()
  const { rows: sessions } = await sql`
    select state, wait_event, extract(epoch from now() - xact_start)::int as seconds, left(query, 120) as query
    from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`.execute(
    db,
  )
  return JSON.stringify({ sessions, notes, attempts, order })
}

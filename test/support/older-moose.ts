import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DBOS } from '@dbos-inc/dbos-sdk'
import type { Pool } from 'pg'
import { z } from 'zod'
import { MIGRATIONS_FOLDER, migrate } from '../../src/db/migrate.ts'
import { createEmptyTestDatabase, type TestDatabase } from './database.ts'
import { gitIn } from './git-remote.ts'

const FIXTURES = path.join(import.meta.dirname, '../fixtures/upgrade')
const Fixture = z.object({ home: z.string(), tables: z.record(z.string(), z.array(z.unknown())) })

/** What an older Moose left: its database, the repository it worked on, and the home of one of its workers. */
export type OlderMoose = AsyncDisposable & {
  database: TestDatabase
  /** Bare. */
  repository: string
  /** What a `moose` subprocess needs to work on that home. */
  environment: Record<string, string>
}

/**
 * Brings back what `test/fixtures/upgrade/make.ts` wrote.
 *
 * @param name of the fixture: the commit of that Moose
 * @param migrations how many it had
 * @param answers what the `replay` provider says from now on
 */
export async function leftBy(
  name: string,
  { migrations, answers }: { migrations: number; answers: readonly { task: string; text: string }[] },
): Promise<OlderMoose> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-older-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const repository = path.join(folder, 'repository.git')
  await gitIn(folder, 'clone', '--quiet', '--mirror', path.join(FIXTURES, `${name}.bundle`), repository)
  const text = await readFile(path.join(FIXTURES, `${name}.json`), 'utf8')
  const fixture = Fixture.parse(JSON.parse(text.replaceAll('/repository.git', repository)))
  const database = stack.use(await createEmptyTestDatabase())
  await makeTables(database.pool, folder, migrations)
  for (const [table, rows] of Object.entries(fixture.tables)) await fill(database.pool, table, rows)
  const home = path.join(folder, 'home')
  await mkdir(path.join(folder, 'recordings'))
  await mkdir(home, { mode: 0o700 })
  await writeFile(path.join(home, 'executor-id'), fixture.home)
  const recordings = { proposer: 'scripted', note: 'written for this test', answers: answers.map(recorded) }
  await writeFile(path.join(folder, 'recordings', 'answers.json'), JSON.stringify(recordings))
  const owned = stack.move()
  return {
    database,
    repository,
    environment: {
      MOOSE_HOME: home,
      MOOSE_REPLAY_DIR: path.join(folder, 'recordings'),
      MOOSE_PORT: '0',
      MOOSE_LOG_LEVEL: 'silent',
      ORCHESTRATOR_EXECUTOR: 'patch',
      DATABASE_URL: database.url,
      PATH: String(process.env['PATH']),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function recorded(answer: { task: string; text: string }) {
  return { turn: 1, usage: { input: 100, output: 20 }, ...answer }
}

/** The tables of that time: the first migrations, and those of the engine, whose version is the same. */
async function makeTables(pool: Pool, folder: string, migrations: number): Promise<void> {
  const older = path.join(folder, 'migrations')
  await mkdir(older)
  const files = (await readdir(MIGRATIONS_FOLDER)).filter((file) => file.endsWith('.sql')).sort()
  for (const file of files.slice(0, migrations)) {
    await copyFile(path.join(MIGRATIONS_FOLDER, file), path.join(older, file))
  }
  await migrate(pool, older)
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  DBOS.setConfig({ name: 'moose', systemDatabasePool: pool, useListenNotify: false, logger: quiet })
  await DBOS.launch()
  await DBOS.shutdown({ deregister: true, workflowCompletionTimeoutMS: 0 })
}

/** As a restore does: no trigger runs, and what the database makes itself it makes itself. */
async function fill(pool: Pool, table: string, rows: readonly unknown[]): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query(`set session_replication_role = replica`)
    await client.query(`delete from ${table}`)
    const { rows: columns } = await client.query<{ name: string; sequence: string | null }>(
      `select quote_ident(attname) as name, pg_get_serial_sequence($1, attname) as sequence from pg_attribute
       where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
      [table],
    )
    const names = columns.map(({ name }) => name).join(', ')
    await client.query(
      `insert into ${table} (${names}) overriding system value
       select ${names} from jsonb_populate_recordset(null::${table}, $1)`,
      [JSON.stringify(rows)],
    )
    for (const { name, sequence } of columns) {
      if (sequence !== null) await client.query(`select setval($1, (select max(${name}) from ${table}))`, [sequence])
    }
  } finally {
    client.release(true)
  }
}

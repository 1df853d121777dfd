import { createHash, randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import packageJson from '../../package.json' with { type: 'json' }
import type { AttemptRun } from '../../src/db/attempts/attempts.ts'
import { type Embedded, openEmbedded } from '../../src/db/embedded/open-embedded.ts'
import { migrate, readMigrations } from '../../src/db/migrate.ts'
import { createPool } from '../../src/db/pool.ts'
import type { Database } from '../../src/db/schema.ts'
import { createLog } from '../../src/log.ts'
import { isAlive } from '../../src/process/is-alive.ts'

/** Loss on a power cut is fine here; waiting for disks is not. */
const SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '500' }

/** What tests route between. The models of today, which a fresh database has besides, change more often than the rules. */
const FIRST_PROPOSERS = ['gpt-4o-mini', 'claude-sonnet-4-5']

/** Number of this machine's lock around making the template. */
const TEMPLATE_KEY = 7_020_551_398

export type TestDatabase = AsyncDisposable & {
  db: Kysely<Database>
  pool: pg.Pool
  /** For another process: pass it as `DATABASE_URL`. */
  url: string
  name: string
}

/**
 * A database of its own with every migration applied and the engine's tables made, dropped on dispose. All test processes
 * of this machine share one Postgres, which the last of them stops.
 *
 * @example
 * await using database = await createTestDatabase()
 * await database.db.selectFrom('work_orders').selectAll().execute()
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  return await createFrom(await template())
}

/** The same without any table. */
export async function createEmptyTestDatabase(): Promise<TestDatabase> {
  return await createFrom('template0')
}

async function createFrom(source: string): Promise<TestDatabase> {
  const server = await cluster()
  const name = `test_${process.pid}_${randomBytes(4).toString('hex')}`
  await administer(`create database ${name} template ${source} strategy file_copy`)
  const url = server.urlOf(name)
  const pool = createPool(url, createLog('silent'))
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  let dropped: Promise<void> | null = null
  const drop = async () => {
    await pool.end()
    await administer(`drop database ${name} with (force)`)
  }
  return { db, pool, url, name, [Symbol.asyncDispose]: () => (dropped ??= drop()) }
}

let opened: Promise<Embedded> | null = null

/** This process' hold on the shared server; given back when the process has nothing left to do. */
async function cluster(): Promise<Embedded> {
  opened ??= open()
  return await opened
}

async function open(): Promise<Embedded> {
  const home = path.join(tmpdir(), `moose-test-${process.getuid?.()}`)
  const server = await openEmbedded({ home, log: createLog('silent'), settings: SETTINGS })
  server.unref()
  process.once('beforeExit', () => void server[Symbol.asyncDispose]())
  return server
}

let made: Promise<string> | null = null

async function template(): Promise<string> {
  made ??= makeTemplate()
  return await made
}

/**
 * Migrates one database per state of the migrations and version of the engine, under a lock so that parallel test processes
 * make it once.
 */
async function makeTemplate(): Promise<string> {
  const server = await cluster()
  const engine = packageJson.dependencies['@dbos-inc/dbos-sdk']
  const migrations = (await readMigrations()).map((one) => one.checksum)
  const checksum = createHash('sha256')
    .update([engine, ...migrations].join())
    .digest('hex')
  const name = `template_${checksum.slice(0, 16)}`
  await withAdministrator(async (client) => {
    await client.query('select pg_advisory_lock($1)', [TEMPLATE_KEY])
    await dropLeftOvers(client)
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount !== 0) return
    await client.query(`drop database if exists ${name}_draft with (force)`)
    await client.query(`create database ${name}_draft template template0`)
    const pool = createPool(server.urlOf(`${name}_draft`), createLog('silent'))
    await migrate(pool)
    await pool.query('delete from proposer_configs where name <> all($1)', [FIRST_PROPOSERS])
    await makeEngineTables(pool)
    await pool.end()
    await client.query(`alter database ${name}_draft rename to ${name}`)
  })
  return name
}

/** Without a row. Otherwise the first launch in every database would make them, which costs more than all else a home needs. */
async function makeEngineTables(pool: pg.Pool): Promise<void> {
  const { launchEngine } = await import('../../src/attempt/engine.ts')
  const nothing = { ours: async () => null, again: async (run: AttemptRun) => run, workflow: async () => undefined }
  const engine = await launchEngine({ pool, homeId: 'template', log: createLog('silent'), ...nothing })
  await engine[Symbol.asyncDispose]()
  await pool.query('truncate dbos.application_versions, dbos.queues')
}

/** Databases of test processes that were killed. */
async function dropLeftOvers(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select datname as name from pg_database where datname ~ '^test_[0-9]+_[0-9a-f]+$'`,
  )
  for (const { name } of rows) {
    if (isAlive(Number(name.split('_')[1]))) continue
    await client.query(`drop database if exists ${name} with (force)`)
  }
}

async function administer(statement: string): Promise<void> {
  await withAdministrator(async (client) => void (await client.query(statement)))
}

async function withAdministrator(use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: (await cluster()).urlOf('postgres') })
  await client.connect()
  try {
    await use(client)
  } finally {
    await client.end()
  }
}

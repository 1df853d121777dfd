import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type pg from 'pg'
import { Fault } from '../faults/fault.ts'
import { admitFirstMoose } from './first-moose/admit.ts'

/** Any fixed number: a process that migrates this database holds this lock. */
const MIGRATION_KEY = 5_530_817_290_114

export const MIGRATIONS_FOLDER = path.join(import.meta.dirname, 'migrations')

/** A file `NNNN_name.sql`, ordered by its number. */
export type Migration = {
  number: number
  /** The file's name without `.sql`. */
  name: string
  /** Whether an older Moose must not work with a database that has it: the file's first line is `-- breaking`. */
  breaking: boolean
  sql: string
  checksum: string
}

type Applied = { number: number; name: string; breaking: boolean; checksum: string }

export type MigrateResult = {
  /** Names of what was applied now, oldest first; empty when there was nothing to do. */
  applied: string[]
  /** Name of the newest migration this Moose knows. */
  current: string
}

/**
 * Brings the schema up to date. Each migration is one transaction that holds an advisory lock, so several processes
 * may migrate at once, also through a pooler that changes connections between transactions.
 *
 * @param folder where the numbered files are; only tests have their own
 * @throws {Fault} `database_schema_newer`, `database_refused` when an applied migration was changed or is unknown,
 *   `internal` when a migration fails (it is rolled back; those before it stay)
 */
export async function migrate(pool: pg.Pool, folder = MIGRATIONS_FOLDER): Promise<MigrateResult> {
  const migrations = await readMigrations(folder)
  const applied: string[] = []
  for (;;) {
    const name = await applyNext(pool, migrations)
    if (name === null) return { applied, current: String(migrations.at(-1)?.name) }
    applied.push(name)
  }
}

/**
 * The names of the migrations `migrate` would apply, oldest first. Changes nothing.
 *
 * @throws {Fault} as `migrate` does
 */
export async function pendingMigrations(pool: pg.Pool, folder = MIGRATIONS_FOLDER): Promise<string[]> {
  const migrations = await readMigrations(folder)
  const { rows } = await pool.query<{ there: boolean }>(`select to_regclass('moose_migrations') is not null as there`)
  const done = rows[0]?.there === true ? await readApplied(pool) : []
  return pending(migrations, done).map(({ name }) => name)
}

/** Applies the oldest pending migration; null when there is none. */
async function applyNext(pool: pg.Pool, migrations: readonly Migration[]): Promise<string | null> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const next = await lockAndFindNext(client, migrations)
    if (next !== undefined) await apply(client, next)
    await client.query('commit')
    client.release()
    return next === undefined ? null : next.name
  } catch (error) {
    // Closing the connection rolls back, whatever state it is in.
    client.release(true)
    throw error
  }
}

async function lockAndFindNext(client: pg.PoolClient, migrations: readonly Migration[]) {
  await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_KEY])
  await client.query(`create table if not exists moose_migrations (
    number integer primary key,
    name text not null,
    breaking boolean not null,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp()
  )`)
  return pending(migrations, await readApplied(client))[0]
}

async function readApplied(client: pg.Pool | pg.PoolClient): Promise<Applied[]> {
  const { rows } = await client.query<Applied>(
    'select number, name, breaking, checksum from moose_migrations order by number',
  )
  return rows
}

/** Those before which the tables of a first Moose are made ready: the one that finds them, and one for those it found before. */
const ADMITS: ReadonlySet<string> = new Set(['0001_work_orders', '0029_first_moose'])

async function apply(client: pg.PoolClient, { number, name, breaking, sql, checksum }: Migration): Promise<void> {
  if (ADMITS.has(name)) await admitFirstMoose(client)
  try {
    await client.query(sql)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const next = 'Nothing of it was kept; mend the cause and start again.'
    throw new Fault('internal', `The migration ${name} failed: ${reason}. ${next}`, { migration: name }, error)
  }
  await client.query('insert into moose_migrations (number, name, breaking, checksum) values ($1, $2, $3, $4)', [
    number,
    name,
    breaking,
    checksum,
  ])
}

/** Compares what the database has with what we have. @throws {Fault} when the two cannot work together */
function pending(migrations: readonly Migration[], done: readonly Applied[]): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.number, migration]))
  const newest = Number(migrations.at(-1)?.number)
  for (const row of done) {
    if (row.number > newest) refuseBreaking(row)
    else if (known.get(row.number)?.checksum !== row.checksum) throw changed(row)
  }
  const applied = new Set(done.map(({ number }) => number))
  return migrations.filter(({ number }) => !applied.has(number))
}

function refuseBreaking({ name, breaking }: Applied): void {
  if (!breaking) return
  throw new Fault(
    'database_schema_newer',
    `The database has the newer schema ${name}, which this Moose cannot work with. Upgrade moose.`,
    { migration: name },
  )
}

function changed({ name }: Applied): Fault {
  return new Fault(
    'database_refused',
    `The migration ${name} was applied to this database with other contents than this Moose has. ` +
      'Use the Moose that made the database, or another database.',
    { migration: name },
  )
}

/** The migration files of a folder in order. */
export async function readMigrations(folder = MIGRATIONS_FOLDER): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  const migrations = await Promise.all(files.map((file) => readMigration(folder, file)))
  const twice = migrations.find(({ number }, index) => migrations[index - 1]?.number === number)
  if (twice !== undefined) throw new Fault('internal', `Two migrations have the number of ${twice.name}. Renumber one.`)
  return migrations
}

async function readMigration(folder: string, file: string): Promise<Migration> {
  const number = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1]
  if (number === undefined) throw new Fault('internal', `The migration ${file} is not named NNNN_name.sql. Rename it.`)
  // A checkout may have changed the line ends; that is no other migration.
  const sql = (await readFile(path.join(folder, file), 'utf8')).replaceAll('\r\n', '\n')
  return {
    number: Number(number),
    name: file.slice(0, -'.sql'.length),
    breaking: sql.split('\n', 1)[0]?.trim() === '-- breaking',
    sql,
    checksum: createHash('sha256').update(sql).digest('hex'),
  }
}

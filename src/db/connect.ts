import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { Fault } from '../errors.ts'
import type { Log } from '../log.ts'
import { databaseFault } from './database-fault.ts'
import { openEmbedded } from './embedded/open-embedded.ts'
import { createPool } from './pool.ts'
import type { Database } from './schema.ts'

/** `create or replace trigger` in the migrations needs it. */
const OLDEST_SERVER = 140_000

/** An open database; disposing it closes every connection and, for the last user of an embedded one, the server. */
export type OpenDatabase = AsyncDisposable & {
  db: Kysely<Database>
  pool: pg.Pool
  /** A connection string that psql understands too. It may hold a password: show it through `shownDatabaseUrl`. */
  url: string
  embedded: boolean
  /** Where the embedded database keeps its files; null for a server of somebody else. */
  dataDirectory: string | null
}

export type OpenDatabaseOptions = {
  /** Null: the embedded Postgres of this home. */
  databaseUrl: string | null
  /** Absolute path. */
  home: string
  log: Log
}

/**
 * Connects to the database, starting the embedded one where it does not run yet. Applies no migration.
 *
 * @throws {Fault} `database_unreachable`, `database_refused`, `database_binaries_missing`
 */
export async function openDatabase({ databaseUrl, home, log }: OpenDatabaseOptions): Promise<OpenDatabase> {
  await using stack = new AsyncDisposableStack()
  const { url, dataDirectory } =
    databaseUrl === null ? stack.use(await openEmbedded({ home, log })) : { url: databaseUrl, dataDirectory: null }
  const pool = createPool(url, log)
  stack.defer(() => pool.end())
  await checkServer(pool, url)
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  const owned = stack.move()
  return {
    db,
    pool,
    url,
    embedded: dataDirectory !== null,
    dataDirectory,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function checkServer(pool: pg.Pool, url: string): Promise<void> {
  let version: number
  try {
    const { rows } = await pool.query<{ version: number }>(
      `select current_setting('server_version_num')::int as version`,
    )
    version = Number(rows[0]?.version)
  } catch (error) {
    throw databaseFault(error, url)
  }
  if (version >= OLDEST_SERVER) return
  const major = Math.floor(version / 10_000)
  throw new Fault('database_refused', `The database is Postgres ${major}; Moose needs 14 or newer. Upgrade it.`, {
    major,
  })
}

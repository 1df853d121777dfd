import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { shownDatabaseUrl } from '../config.ts'
import { Fault } from '../faults/fault.ts'
import type { Log } from '../log.ts'
import { databaseFault } from './database-fault.ts'
import { openEmbedded } from './embedded/open-embedded.ts'
import { createPool } from './pool.ts'
import { refuseTransactionPooler } from './pooler.ts'
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
  /** Where the embedded database keeps its files; null for a server that Moose does not run. */
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

/** Whether the server is one Moose can work with, as this user and through whatever lies between. */
async function checkServer(pool: pg.Pool, url: string): Promise<void> {
  try {
    const client = await pool.connect()
    try {
      await refuseOldServer(client)
      await refuseTransactionPooler(client, pool, url)
      await refuseHiddenRows(client, url)
      client.release()
    } catch (error) {
      client.release(true)
      throw error
    }
  } catch (error) {
    throw databaseFault(error, url)
  }
}

async function refuseOldServer(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  )
  const version = Number(rows[0]?.version)
  if (version >= OLDEST_SERVER) return
  const major = Math.floor(version / 10_000)
  throw new Fault('database_refused', `The database is Postgres ${major}; Moose needs 14 or newer. Upgrade it.`, {
    major,
  })
}

/** A user that row level security applies to sees no order, and no error. */
async function refuseHiddenRows(client: pg.PoolClient, url: string): Promise<void> {
  const { rows } = await client.query<{ hidden: boolean; user: string; owner: string }>(
    `select row_security_active(oid) as hidden, current_user as user, relowner::regrole::text as owner
     from pg_class where oid = to_regclass('work_orders')`,
  )
  const [found] = rows
  if (found === undefined || !found.hidden) return
  const { user, owner } = found
  throw new Fault(
    'database_refused',
    `The user ${user} of ${shownDatabaseUrl(url)} does not own the tables of Moose, so row level security hides their ` +
      `rows. Connect as ${owner}, or: grant ${owner} to ${user}`,
    { user, owner },
  )
}

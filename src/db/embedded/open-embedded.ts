import pg from 'pg'
import { Fault } from '../../faults/fault.ts'
import { reasonOf } from '../database-fault.ts'
import { type ClusterOptions, describeCluster } from './cluster.ts'
import { enter } from './enter.ts'
import { USER } from './initialize.ts'
import { ensureDatabase } from './presence.ts'
import { PORT } from './socket-directory.ts'
import { stay } from './stay.ts'

const DATABASE = 'moose'
/** The database every cluster has; nothing of Moose is stored there. */
export const MAINTENANCE_DATABASE = 'postgres'

/** A running embedded Postgres. Dispose it after every connection to it is closed. */
export type Embedded = AsyncDisposable & {
  /** The connection string of the database `moose`. */
  url: string
  /** The connection string of any database of the cluster. */
  urlOf(database: string): string
  dataDirectory: string
  /** Lets the process end although the cluster is open. */
  unref(): void
}

/**
 * Opens the embedded Postgres of a home: makes it at first use, attaches when it runs, starts it otherwise. If the
 * server dies while open it is started again. The last process that closes it stops the server.
 *
 * @throws {Fault} `database_binaries_missing`, `database_refused`, `database_unreachable`
 */
export async function openEmbedded(options: ClusterOptions): Promise<Embedded> {
  try {
    return await open(options)
  } catch (error) {
    if (error instanceof Fault) throw error
    const next = 'Mend that, choose another MOOSE_HOME or set DATABASE_URL.'
    throw new Fault(
      'database_refused',
      `The embedded database under ${options.home} cannot be used: ${reasonOf(error)}. ${next}`,
      { home: options.home },
      error,
    )
  }
}

async function open(options: ClusterOptions): Promise<Embedded> {
  const cluster = await describeCluster(options)
  const entry = await enter(cluster)
  await using stack = new AsyncDisposableStack()
  const staying = stack.use(stay(cluster, entry))
  await ensureDatabase(entry.presence.client, DATABASE)
  const owned = stack.move()
  const urlOf = (database: string) => connectionString(entry.socketDirectory, database)
  return {
    url: urlOf(DATABASE),
    urlOf,
    dataDirectory: cluster.dataDirectory,
    unref: staying.unref,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Port and sslmode are said although they are the defaults, so that PGPORT and PGSSLMODE do not count. */
function connectionString(socketDirectory: string, database: string): string {
  const query = `host=${encodeURIComponent(socketDirectory)}&sslmode=disable`
  return `postgresql://${USER}@localhost:${PORT}/${encodeURIComponent(database)}?${query}`
}

/**
 * Drops every database of a cluster but the one it is maintained by.
 *
 * @param url of that one
 * @throws an error of Postgres: `55006` (object_in_use) where a connection to a database is open
 */
export async function dropDatabases(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where not datistemplate and datname <> $1',
      [MAINTENANCE_DATABASE],
    )
    for (const { datname } of rows) await client.query(`drop database if exists ${pg.escapeIdentifier(datname)}`)
  } finally {
    await client.end()
  }
}

import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { type Cluster, describeCluster } from '../../src/db/embedded/cluster.ts'
import { initialize, USER } from '../../src/db/embedded/initialize.ts'
import { findPostmaster, startPostmaster } from '../../src/db/embedded/postmaster.ts'
import { ensureDatabase } from '../../src/db/embedded/presence.ts'
import { PORT } from '../../src/db/embedded/socket-directory.ts'
import { migrate } from '../../src/db/migrate.ts'
import { createPool } from '../../src/db/pool.ts'
import type { Database } from '../../src/db/schema.ts'
import { createLog } from '../../src/log.ts'
import type { TestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

const NAME = 'moose'

/** `fast` breaks every connection off; `immediate` leaves the data to be recovered at the next start. */
export type Shutdown = 'fast' | 'immediate'

const SIGNAL = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const

/** A Postgres a test may do anything to. */
export type OwnServer = AsyncDisposable & {
  /** The folder of its socket. */
  socketDirectory: string
  dataDirectory: string
  /** Of the database `moose`; `name` is what its connections call themselves. */
  urlFor(name: string): string
  stop(how: Shutdown): Promise<void>
  start(): Promise<void>
  restart(how: Shutdown): Promise<void>
  /** Makes the database `moose`, with every migration. */
  createDatabase(): Promise<TestDatabase>
}

/** @param options.folder where its data goes; a temporary folder that is removed in the end by default */
export async function startOwnServer(options: { folder?: string } = {}): Promise<OwnServer> {
  await using stack = new AsyncDisposableStack()
  const folder = options.folder === undefined ? await mkdtemp(path.join(tmpdir(), 'moose-server-')) : options.folder
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
  const settings = { fsync: 'off', full_page_writes: 'off' }
  const cluster = await describeCluster({ home: folder, log: createLog('silent'), settings })
  await initialize(cluster)
  const urlFor = (name: string) => urlOf(cluster, NAME, name)
  const start = () => startServer(cluster)
  const stop = (how: Shutdown) => stopServer(cluster, how)
  await start()
  stack.defer(() => stop('immediate'))
  const owned = stack.move()
  return {
    socketDirectory: cluster.socketDirectory,
    dataDirectory: cluster.dataDirectory,
    urlFor,
    start,
    stop,
    async restart(how) {
      await stop(how)
      await start()
    },
    createDatabase: () => createDatabase(cluster, urlFor('test')),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function urlOf({ socketDirectory }: Cluster, database: string, name: string): string {
  const query = `host=${encodeURIComponent(socketDirectory)}&sslmode=disable&application_name=${name}`
  return `postgresql://${USER}@localhost:${PORT}/${database}?${query}`
}

async function startServer(cluster: Cluster): Promise<void> {
  await startPostmaster(cluster)
  await until('the server takes connections', async () => {
    const client = new pg.Client(urlOf(cluster, 'postgres', 'test'))
    client.on('error', () => undefined)
    try {
      await client.connect()
      return true
    } catch {
      return false
    } finally {
      await client.end()
    }
  })
}

async function stopServer({ dataDirectory }: Cluster, how: Shutdown): Promise<void> {
  const running = await findPostmaster(dataDirectory)
  if (running === null) return
  process.kill(running.pid, SIGNAL[how])
  while ((await findPostmaster(dataDirectory)) !== null) await delay(5)
}

async function createDatabase(cluster: Cluster, url: string): Promise<TestDatabase> {
  const client = new pg.Client(urlOf(cluster, 'postgres', 'test'))
  await client.connect()
  await ensureDatabase(client, NAME)
  await client.end()
  const pool = createPool(url, createLog('silent'))
  await migrate(pool)
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  return { db, pool, url, name: NAME, [Symbol.asyncDispose]: () => pool.end() }
}

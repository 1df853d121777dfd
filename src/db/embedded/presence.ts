import { Socket } from 'node:net'
import pg from 'pg'
import { isSqlState } from '../database-fault.ts'
import { USER } from './initialize.ts'
import { PORT } from './socket-directory.ts'

/**
 * Every process that uses a cluster holds this advisory lock shared, in the database `postgres`; a process that stops the
 * server must hold it alone. So no process is cut off, and one that comes during a stop waits and then starts the server.
 */
const PRESENCE_KEY = 6_005_310_736_421

/** The database every cluster has from the start; presence is kept here, data is not. */
const MAINTENANCE = 'postgres'

/** The connection that announces us, and its socket. */
export type Presence = { client: pg.Client; socket: Socket }

/** Connects to a running server and announces us. @throws what `pg` throws, also when the server stops meanwhile */
export async function announce(socketDirectory: string): Promise<Presence> {
  const socket = new Socket()
  const client = new pg.Client({
    stream: () => socket,
    // Said here so that PGSSLMODE and its like do not count.
    ssl: false,
    host: socketDirectory,
    port: PORT,
    user: USER,
    database: MAINTENANCE,
    application_name: 'moose presence',
    connectionTimeoutMillis: 10_000,
  })
  // Every failure reaches a caller through its query or through `end`.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select pg_advisory_lock_shared($1)', [PRESENCE_KEY])
    return { client, socket }
  } catch (error) {
    await client.end()
    throw error
  }
}

/**
 * Takes our presence back.
 *
 * @returns the server's pid when no other process uses it and it should be stopped; this one then holds the lock alone. Null when
 *   another client is connected, also one with psql
 */
export async function leave(client: pg.Client): Promise<number | null> {
  await client.query('select pg_advisory_unlock_shared($1)', [PRESENCE_KEY])
  const { rows } = await client.query<{ alone: boolean }>('select pg_try_advisory_lock($1) as alone', [PRESENCE_KEY])
  if (rows[0]?.alone !== true) return null
  return (await isDeserted(client)) ? await serverPid(client) : null
}

/** Creates a database unless it is there, also when others do so at once. */
export async function ensureDatabase(client: pg.Client, name: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
  if (rowCount !== 0) return
  try {
    await client.query(`create database ${pg.escapeIdentifier(name)}`)
  } catch (error) {
    if (!isSqlState(error, '42P04', '23505')) throw error
  }
}

/** Backends of connections closed a moment ago take a few milliseconds to go. */
async function isDeserted(client: pg.Client): Promise<boolean> {
  for (const pauseMs of [5, 10, 20, 40, 80, 160, 320, 0]) {
    const { rows } = await client.query<{ others: number; newcomers: number }>(
      `select count(*)::int as others, (count(*) filter (where wait_event_type = 'Lock'))::int as newcomers
         from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    )
    if (rows[0]?.others === 0) return true
    if (rows[0]?.newcomers !== 0) return false
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  return false
}

/** The server reads its own file, so the pid cannot be another's while this connection stands. */
async function serverPid(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ file: string }>(`select pg_read_file('postmaster.pid') as file`)
  return Number.parseInt(String(rows[0]?.file), 10)
}

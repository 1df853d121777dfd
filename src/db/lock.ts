import pg from 'pg'
import { repeat } from '../async/retry.ts'
import { NEVER_ABORTED, systemClock } from '../clock.ts'
import type { Log } from '../log.ts'
import { databaseFault, reasonOf } from './database-fault.ts'
import { connectionConfig } from './pool.ts'

export type OwnOptions = {
  /** Must lead to a server or a session pooler: a transaction pooler would not keep the lock. */
  url: string
  /** What is owned, e.g. `home:/home/ada/.local/share/moose`. Owned once per database. */
  name: string
  /** The connection broke: another process may own it from now on. Called at most once, never after disposal. */
  onLost(): void
  log: Log
}

/**
 * Takes sole ownership of a name until disposed, lost or the process ends, however it ends.
 *
 * @returns null when another process owns it
 * @throws {Fault} `database_unreachable`, `database_refused`
 */
export async function tryOwn({ url, name, onLost, log }: OwnOptions): Promise<AsyncDisposable | null> {
  const client = new pg.Client(connectionConfig(url, 'moose owner'))
  client.on('error', (error) =>
    log.warn({ reason: reasonOf(error), name }, 'the connection that proves ownership broke'),
  )
  let owned: boolean
  try {
    await client.connect()
    owned = await lock(client, name)
  } catch (error) {
    await client.end()
    throw databaseFault(error, url)
  }
  if (!owned) {
    await client.end()
    return null
  }
  client.once('end', onLost)
  return {
    [Symbol.asyncDispose]: async () => {
      client.off('end', onLost)
      await client.end()
    },
  }
}

async function lock(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ owned: boolean }>(
    'select pg_try_advisory_lock(hashtextextended($1, 0)) as owned',
    [name],
  )
  return rows[0]?.owned === true
}

/** Any fixed number; one for all processes that launch an engine. */
const LAUNCH_LOCK = 7_301_600_045n
/** Without parameters: those would keep its snapshot until the transaction ends. */
const ASK = `select pg_try_advisory_xact_lock(${LAUNCH_LOCK}) as locked`
const PAUSE_MS = 50

/**
 * Does something while no other process of this database does it. Who is paused meanwhile is not waited for longer than
 * the server lets a transaction stand still.
 */
export async function oneAtATime<Result>(pool: pg.Pool, act: () => Promise<Result>): Promise<Result> {
  const client = await pool.connect()
  try {
    await lockLaunch(client)
    return await act()
  } finally {
    // The transaction, and the lock with it, ends with the connection.
    client.release(true)
  }
}

/**
 * By asking again and again, and without keeping a snapshot: `create index concurrently` would wait for a statement that
 * waits, and for a snapshot.
 */
async function lockLaunch(client: pg.PoolClient): Promise<void> {
  const pauseAfter = (locked: boolean) => (locked ? null : PAUSE_MS)
  await repeat({ clock: systemClock, signal: NEVER_ABORTED, pauseAfter }, () => tryLockLaunch(client))
}

async function tryLockLaunch(client: pg.PoolClient): Promise<boolean> {
  await client.query('begin')
  const { rows } = await client.query<{ locked: boolean }>(ASK)
  if (rows[0]?.locked === true) return true
  await client.query('rollback')
  return false
}

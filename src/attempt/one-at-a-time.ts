import type { Pool, PoolClient } from 'pg'
import { repeat } from '../async/retry.ts'
import { NEVER_ABORTED, systemClock } from '../clock.ts'

/** Any fixed number; one for all processes that launch an engine. */
const LAUNCH_LOCK = 7_301_600_045n
/** Without parameters: those would keep its snapshot until the transaction ends. */
const ASK = `select pg_try_advisory_xact_lock(${LAUNCH_LOCK}) as locked`
const PAUSE_MS = 50

/**
 * Does something while no other process of this database does it. Who is paused meanwhile is not waited for longer than
 * the server lets a transaction stand still.
 */
export async function oneAtATime<Result>(pool: Pool, act: () => Promise<Result>): Promise<Result> {
  const client = await pool.connect()
  try {
    await lock(client)
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
async function lock(client: PoolClient): Promise<void> {
  const pauseAfter = (locked: boolean) => (locked ? null : PAUSE_MS)
  await repeat({ clock: systemClock, signal: NEVER_ABORTED, pauseAfter }, () => tryLock(client))
}

async function tryLock(client: PoolClient): Promise<boolean> {
  await client.query('begin')
  const { rows } = await client.query<{ locked: boolean }>(ASK)
  if (rows[0]?.locked === true) return true
  await client.query('rollback')
  return false
}

import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { shownDatabaseUrl } from '../config.ts'
import { Fault } from '../faults/fault.ts'

/** More than a notification takes through any pooler that passes it on. */
const PATIENCE_MS = 5_000

/**
 * Refuses a pooler that lends a connection for one transaction only. There a session's lock stays behind with another
 * client and a notification is lost, and neither is an error: Moose would own nothing and hear nothing.
 *
 * A server greets with its own process id and a pooler with a number it made up, so that without a pooler nothing more
 * is asked. Behind one a notification is sent from one connection to another.
 *
 * @param client a connection of the pool, to be thrown away when this throws
 * @throws {Fault} `database_refused`; `database_unreachable` when the pooler gives no second session within 5 s
 * @see https://www.pgbouncer.org/features.html
 * @see https://supabase.com/docs/guides/database/connecting-to-postgres
 */
export async function refuseTransactionPooler(client: pg.PoolClient, pool: pg.Pool, url: string): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  if ('processID' in client && client.processID === rows[0]?.pid) return
  const channel = `moose_${randomUUID()}`
  await client.query(`listen "${channel}"`)
  const other = await secondSession(pool, url)
  try {
    if (await hears(client, other, { channel, url })) {
      await client.query(`unlisten "${channel}"`)
      return
    }
  } finally {
    other.release(true)
  }
  throw new Fault(
    'database_refused',
    `The pooler at ${shownDatabaseUrl(url)} lends connections for one transaction only, so it keeps no lock and passes ` +
      'on no notification. Give DATABASE_URL a direct connection or one in session mode; on Supabase: port 5432.',
    { mode: 'transaction' },
  )
}

/** A pooler without room for it lets it wait for as long as the first one is there. */
async function secondSession(pool: pg.Pool, url: string): Promise<pg.PoolClient> {
  const connecting = pool.connect()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(noSecondSession(url)), PATIENCE_MS)
  try {
    return await Promise.race([connecting, late])
  } catch (error) {
    // Its end is not waited for any more.
    connecting.then(
      (client) => client.release(true),
      () => undefined,
    )
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Whether what `other` announces reaches `client`; not where both are the same connection of the server in turn. */
async function hears(
  client: pg.PoolClient,
  other: pg.PoolClient,
  { channel, url }: { channel: string; url: string },
): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  let announced = false
  client.on('notification', (heard) => heard.channel === channel && resolve(true))
  other.on('notification', (heard) => heard.channel === channel && resolve(false))
  const timer = setTimeout(() => (announced ? resolve(false) : reject(noSecondSession(url))), PATIENCE_MS)
  try {
    await Promise.race([other.query('select pg_notify($1, $2)', [channel, '']), promise])
    announced = true
    return await promise
  } finally {
    clearTimeout(timer)
    client.removeAllListeners('notification')
  }
}

function noSecondSession(url: string): Fault {
  const next = 'Raise its pool size: each moose needs about fifteen.'
  return new Fault(
    'database_unreachable',
    `The pooler at ${shownDatabaseUrl(url)} gave no second session within ${PATIENCE_MS / 1_000} s. ${next}`,
  )
}

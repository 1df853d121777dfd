import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import pg from 'pg'

/** What the thread is given. Nothing but `pg` is loaded here: what a thread loads, it keeps in memory a second time. */
export type LeaseOrders = {
  connection: pg.ClientConfig
  homeId: string
  /** Of the process: a thread that made its own would be another one. */
  holder: string
  leaseMs: number
  /** Between two renewals. */
  beatMs: number
  /** For how long it renews while the main thread says nothing. */
  longestSilenceMs: number
}

/** `replaced`: another process stands for this home, or nothing does. */
export type LeaseNews = { kind: 'ready' } | { kind: 'replaced' } | { kind: 'failed'; reason: string }

/**
 * After its lease had run out, this process declares no worker dead for one lease: the others may have been
 * cut off from the database just as it was. One that has left properly does not come back by a renewal that was late.
 */
const RENEW = `
  update workers set
    lease_until = clock_timestamp() + $1 * interval '1 millisecond',
    judges_from = case when lease_until <= clock_timestamp()
      then clock_timestamp() + $1 * interval '1 millisecond' else judges_from end
  where executor_id = $2 and holder = $3 and not has_left`

/**
 * The thread that renews the lease of this process, whatever keeps the main thread busy. It decides nothing: what has to
 * follow is the main thread's business, and every message of that one is a sign of life.
 */
async function renewOn(port: NonNullable<typeof parentPort>, orders: LeaseOrders): Promise<never> {
  const { connection, homeId, holder, leaseMs, beatMs, longestSilenceMs } = orders
  const say = (news: LeaseNews) => port.postMessage(news)
  const limits = { max: 1, idleTimeoutMillis: 0, connectionTimeoutMillis: beatMs, query_timeout: beatMs }
  const pool = new pg.Pool({ ...connection, ...limits })
  // The next renewal connects anew, and says so when it cannot.
  pool.on('error', () => undefined)
  let heardAt = performance.now()
  port.on('message', () => {
    heardAt = performance.now()
  })
  const begin = once(port, 'message')
  say({ kind: 'ready' })
  for (await begin; ; await sleep(beatMs)) {
    // A main thread that is hung for good would otherwise hold its attempts for ever.
    if (performance.now() - heardAt > longestSilenceMs) continue
    try {
      const { rowCount } = await pool.query(RENEW, [leaseMs, homeId, holder])
      if (rowCount === 0) say({ kind: 'replaced' })
    } catch (error) {
      // A name with several addresses fails with one error for each.
      say({ kind: 'failed', reason: String(error instanceof AggregateError ? error.errors[0] : error) })
    }
  }
}

if (parentPort !== null) await renewOn(parentPort, workerData)

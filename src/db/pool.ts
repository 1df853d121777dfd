import { AsyncLocalStorage } from 'node:async_hooks'
import pg from 'pg'
import type { Log } from '../log.ts'
import { reasonOf } from './database-fault.ts'
import { PatientClient } from './patient-client.ts'

const CONNECT_TIMEOUT_MS = 10_000
/** For a process that is paused within a transaction, or a machine that is: others wait for its locks no longer. */
const IDLE_IN_TRANSACTION_MS = 20_000

/** Settings every connection of Moose shares, also those outside the pool. */
export function connectionConfig(url: string, applicationName: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // A peer that vanished without a word is noticed by the system, not after hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  }
}

/**
 * The pool one process uses for everything, DBOS included. Values come as `pg` gives them: `numeric` and `int8` as
 * strings so that no digit is lost, `timestamptz` as Date, `jsonb` parsed.
 */
export function createPool(url: string, log: Log): pg.Pool {
  const pool = new pg.Pool({
    ...connectionConfig(url, 'moose'),
    max: 10,
    Client: PatientClient,
    // oxlint-disable-next-line typescript/no-misused-promises -- it is waited for; its type does not say so
    onConnect: prepare,
  })
  // A connection that breaks is replaced, and whoever was using it hears of it from his query. Without handlers it would
  // end the process: the pool's is for idle connections only, between two queries of a transaction there is none.
  // Whoever had the connection made has nothing to do with its end, and is not named in the log.
  const outside = AsyncLocalStorage.snapshot()
  const say = (error: Error, message: string) => outside(() => log.warn({ reason: reasonOf(error) }, message))
  pool.on('error', (error) => say(error, 'an idle database connection broke'))
  pool.on('connect', (client) => client.on('error', (error) => say(error, 'a database connection broke')))
  return pool
}

/** By a statement: a pooler may refuse the setting as a part of connecting. */
async function prepare(client: pg.ClientBase): Promise<void> {
  await client.query(`set idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`)
}

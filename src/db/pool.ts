import { AsyncLocalStorage } from 'node:async_hooks'
import pg from 'pg'
import { errorCode } from '../faults/error-code.ts'
import type { Log } from '../log.ts'
import { isDatabaseAway, reasonOf } from './database-fault.ts'

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
  // A connection that breaks is replaced, and the query that was using it fails. Without handlers it would
  // end the process: the pool's is for idle connections only, between two queries of a transaction there is none.
  // The query that opened the connection has nothing to do with its end, and is not named in the log.
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

/** `cannot_connect_now` */
const NOT_NOW = '57P03'

/**
 * A connection whose errors the engine understands. It repeats a query when the error, or its cause, is one it knows to
 * pass; a pipe that broke, a socket that is missing while the server restarts and a database that may only be read for
 * now are not among them, and would end a workflow for good.
 *
 * @see https://github.com/dbos-inc/dbos-transact-ts/blob/main/src/system_database.ts (retriablePostgresException)
 */
class PatientClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    for (const event of ['error', 'errorMessage']) this.connection.prependListener(event, markPassing)
  }
}

function markPassing(error: unknown): void {
  if (!(error instanceof Error) || error.cause !== undefined || !isDatabaseAway(error)) return
  error.cause = Object.assign(new Error(`the database is away (${errorCode(error)})`), { code: NOT_NOW })
}

/**
 * Asks the database for nothing. Given up after its time: `pg` drops the connection then, and the pool opens another for
 * the next question.
 *
 * @throws what the connection threw
 * @see https://node-postgres.com/apis/client#queryconfig
 */
export async function ping(pool: Pick<pg.Pool, 'query'>, withinMs: number): Promise<void> {
  const question = { text: 'select', query_timeout: withinMs }
  await pool.query(question)
}

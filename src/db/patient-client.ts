import pg from 'pg'
import { errorCode } from '../faults/error-code.ts'
import { isDatabaseAway } from './database-fault.ts'

/** `cannot_connect_now` */
const NOT_NOW = '57P03'

/**
 * A connection whose errors the engine understands. It repeats a query when the error, or its cause, is one it knows to
 * pass; a pipe that broke, a socket that is missing while the server restarts and a database that may only be read for
 * now are not among them, and would end a workflow for good.
 *
 * @see https://github.com/dbos-inc/dbos-transact-ts/blob/main/src/system_database.ts (retriablePostgresException)
 */
export class PatientClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    for (const event of ['error', 'errorMessage']) this.connection.prependListener(event, markPassing)
  }
}

function markPassing(error: unknown): void {
  if (!(error instanceof Error) || error.cause !== undefined || !isDatabaseAway(error)) return
  error.cause = Object.assign(new Error(`the database is away (${errorCode(error)})`), { code: NOT_NOW })
}

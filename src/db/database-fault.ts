import pg from 'pg'
import { shownDatabaseUrl } from '../config.ts'
import { errorCode } from '../faults/error-code.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { createRedaction, passwordsIn } from '../redaction/redaction.ts'

/**
 * SQLSTATEs of a server that is there but will not have us: wrong credentials, no such database, no permission.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const REFUSED = /^(28...|3D000|42501|3F000)$/

/** Node's names for a certificate that cannot be trusted, and what `pg` says to a server without TLS. */
const TLS_PROBLEM = /CERT|SELF_SIGNED|SSL|TLS/i

/**
 * Why a database cannot be used, in one line that may be shown.
 *
 * @param thrown what connecting or the first query threw
 * @param url the connection string; its password is left out
 * @returns `database_refused` when a human must change something, otherwise `database_unreachable`
 */
export function databaseFault(thrown: unknown, url: string): Fault {
  if (thrown instanceof Fault) return thrown
  const shown = shownDatabaseUrl(url)
  const code = errorCode(thrown)
  const reason = createRedaction(passwordsIn(url, 'DATABASE_URL'))(reasonOf(thrown))
  if (TLS_PROBLEM.test(`${code} ${reason}`)) {
    const next = 'Correct sslmode or sslrootcert in DATABASE_URL.'
    return new Fault('database_refused', `No secure connection to ${shown}: ${reason}. ${next}`, { code }, thrown)
  }
  if (code !== null && REFUSED.test(code)) {
    const next = 'Correct DATABASE_URL, or unset it to use the embedded database.'
    return new Fault(
      'database_refused',
      `The database ${shown} rejected the connection: ${reason}. ${next}`,
      { code },
      thrown,
    )
  }
  const next = 'Start it or correct DATABASE_URL; unset it to use the embedded database.'
  return new Fault(
    'database_unreachable',
    `The database ${shown} cannot be reached: ${reason}. ${next}`,
    { code },
    thrown,
  )
}

/**
 * SQLSTATEs of a server that will serve again, though not now: connections that broke (08), a full disk, no memory or
 * too many connections (53), a server that stops or starts (57P), a transaction that was given up to let others pass
 * (40), a disk that answers with errors (58030), a transaction that stood still for too long (25P03), and data that may
 * only be read: after a failover, and where a host protects a full disk that way (25006).
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 * @see https://supabase.com/docs/guides/platform/database-size#read-only-mode
 */
const AWAY = /^(08...|53...|57P..|40001|40003|40P01|58030|25006|25P03)$/

/** Error codes of a connection whose other end is gone, and of a name that cannot be resolved now. */
const BROKEN = /^(ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/

/** What `pg` says of it, without a code. */
const BROKEN_WORDS = /^Connection terminated|not queryable|^timeout e(xceeded|xpired)/

/**
 * Whether the database cannot serve just now, be it that the connection broke, the server restarts or its disk is full:
 * worth the same query again later. It is unknown whether the one before has happened.
 */
export function isDatabaseAway(thrown: unknown): boolean {
  const code = String(errorCode(thrown))
  if (AWAY.test(code) || BROKEN.test(code)) return true
  if (!(thrown instanceof Error)) return false
  return BROKEN_WORDS.test(thrown.message) || ('syscall' in thrown && thrown.syscall === 'connect')
}

/** Any thrown value as a fault, by its cause: `database_unreachable` when the database was away, which `pg` says in many ways. */
export function namedFault(thrown: unknown): Fault {
  if (!isDatabaseAway(thrown)) return toFault(thrown)
  return new Fault('database_unreachable', `The database went away: ${reasonOf(thrown)}.`, {}, thrown)
}

/** Whether the server itself answered with this SQLSTATE. */
export function isSqlState(thrown: unknown, ...states: readonly string[]): boolean {
  return thrown instanceof pg.DatabaseError && thrown.code !== undefined && states.includes(thrown.code)
}

/**
 * One line for a message or a log; `pg` hangs the whole connection on its errors, so they are never logged themselves.
 * An AggregateError (a name with several addresses) has no message of its own.
 */
export function reasonOf(thrown: unknown): string {
  const first = thrown instanceof AggregateError ? thrown.errors[0] : thrown
  const message = first instanceof Error && first.message !== '' ? first.message : String(errorCode(thrown))
  return message.replace(/\s+/g, ' ').replace(/\.$/, '')
}

import { APICallError } from 'ai'
import { wasNeverSent } from './error-causes.ts'
import { statusOnWire } from './status-on-wire.ts'

/**
 * Said by whoever stands between Moose and the model when it lost patience with it or the connection to it. Behind it
 * the call may have been answered, and charged.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-server-error-5xx
 * @see https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
 */
const OUTCOME_UNKNOWN = new Set([408, 499, 502, 504, 520, 522, 524])

/**
 * Whether a provider certainly charges nothing for a call that failed: it refused it with a status, before any answer,
 * or the call never reached it. False: nobody knows.
 */
export function isUnbilled(thrown: unknown): boolean {
  const status = APICallError.isInstance(thrown) ? statusOnWire(thrown) : null
  return status === null ? wasNeverSent(thrown) : status >= 300 && !OUTCOME_UNKNOWN.has(status)
}

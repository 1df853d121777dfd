import { APICallError } from 'ai'
import { causesOf } from './error-causes.ts'
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

/**
 * Node's and OpenSSL's names for a secure connection that never came to be.
 *
 * @see https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
const NO_TLS =
  /^(ERR_TLS_CERT_|ERR_SSL_WRONG_VERSION|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/

/** A request is written only to a connection that stands. A code alone may also be of one that broke later. */
function wasNeverSent(thrown: unknown): boolean {
  return causesOf(thrown).some((error) => {
    if ('syscall' in error && (error.syscall === 'connect' || error.syscall === 'getaddrinfo')) return true
    const code = 'code' in error ? String(error.code) : ''
    return NO_TLS.test(code) || (code === 'EPROTO' && error.message.includes('wrong version number'))
  })
}

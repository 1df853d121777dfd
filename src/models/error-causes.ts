const DEEPEST = 10

/** An error and its causes, outermost first, with what an AggregateError is made of. */
export function causesOf(thrown: unknown, depth = 0): Error[] {
  if (!(thrown instanceof Error) || depth === DEEPEST) return []
  const parts = thrown instanceof AggregateError ? thrown.errors : []
  return [thrown, ...[thrown.cause, ...parts].flatMap((cause) => causesOf(cause, depth + 1))]
}

/**
 * Node's and OpenSSL's names for a secure connection that never came to be.
 *
 * @see https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
const NO_TLS =
  /^(ERR_TLS_CERT_|ERR_SSL_WRONG_VERSION|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/

/**
 * Whether a request certainly never left: it is written only to a connection that stands. A code alone may also be of
 * one that broke later.
 */
export function wasNeverSent(thrown: unknown): boolean {
  return causesOf(thrown).some((error) => {
    if ('syscall' in error && (error.syscall === 'connect' || error.syscall === 'getaddrinfo')) return true
    const code = 'code' in error ? String(error.code) : ''
    // Node's name for a proxy that opened no way to the server.
    if (code === 'ERR_PROXY_TUNNEL') return true
    return NO_TLS.test(code) || (code === 'EPROTO' && error.message.includes('wrong version number'))
  })
}

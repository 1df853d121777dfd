import type { MiddlewareHandler } from 'hono'
import type { HttpEnv } from './http-env.ts'

const CLOSED = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/** For answers that are data: a browser that is made to show one may load and run nothing. */
const DATA_POLICY = `default-src 'none'; ${CLOSED}`

/** For a page of ours: scripts and styles as files of this server, no inline code, no other host. */
export const PAGE_POLICY = `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; ${CLOSED}`

/** @see https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers */
export const securityHeaders: MiddlewareHandler<HttpEnv> = async (c, next) => {
  c.header('Content-Security-Policy', DATA_POLICY)
  c.header('X-Content-Type-Options', 'nosniff')
  c.header('X-Frame-Options', 'DENY')
  c.header('Referrer-Policy', 'no-referrer')
  c.header('Cross-Origin-Resource-Policy', 'same-origin')
  c.header('Cache-Control', 'no-store')
  await next()
}

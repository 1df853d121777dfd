import type { MiddlewareHandler } from 'hono'
import { Fault } from '../faults/fault.ts'
import type { HttpEnv } from './http-env.ts'

const LOOPBACK_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i

export type RequestOrigin = {
  /** The Host header. */
  host: string
  /** The Origin header; undefined when there is none. */
  origin: string | undefined
  /** The Sec-Fetch-Site header; undefined when there is none. */
  site: string | undefined
}

/**
 * Why a request may not come in; null when it may. The service has no login: what protects it is that only programs of
 * this machine reach it and that no web page can speak through the operator's browser. A page of another site shows in
 * Origin and Sec-Fetch-Site, one that resolves its own name to 127.0.0.1 (DNS rebinding) in Host.
 * @see https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site
 */
export function whyForbidden({ host, origin, site }: RequestOrigin): string | null {
  if (!LOOPBACK_HOST.test(host)) return 'Moose answers only to 127.0.0.1, localhost and [::1]; use one of them as host.'
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    return 'The request comes from a page of another origin. Open the pages of Moose itself, or use the command line.'
  }
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return 'The request comes from a page of another site. Type the address into the browser instead.'
  }
  return null
}

/** @throws {Fault} `request_forbidden` */
export const guardRequest: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const host = c.req.header('host')
  const reason = whyForbidden({
    // Without a socket there is no Host header; the URL has the name then.
    host: host === undefined ? new URL(c.req.url).host : host,
    origin: c.req.header('origin'),
    site: c.req.header('sec-fetch-site'),
  })
  if (reason !== null) throw new Fault('request_forbidden', reason)
  await next()
}

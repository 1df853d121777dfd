import type { MiddlewareHandler } from 'hono'
import { Fault } from '../faults/fault.ts'
import type { HttpEnv } from './http-env.ts'
import { needOf } from './route-needs.ts'

const LOOPBACK_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i

export type RequestOrigin = {
  /** The Host header. */
  host: string
  /** The Origin header; undefined when there is none. */
  origin: string | undefined
  /** The Sec-Fetch-Site header; undefined when there is none. */
  site: string | undefined
}

/** How a request came, and what may come so. */
export type Reception = {
  /** Names beside those of this machine, in lower case, without ports. */
  allowedHosts: readonly string[]
  /** What the pages of Moose are loaded by where the request came from. */
  schemes: readonly ('http' | 'https')[]
}

/**
 * Why a request may not come in, whoever sends it; null when it may. No web page can speak through the operator's browser: a
 * page of another site shows in Origin and Sec-Fetch-Site, one that resolves its own name to 127.0.0.1 (DNS rebinding) in
 * Host. What has none of these headers has gained nothing: it still takes a token.
 * @see https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site
 */
export function whyForbidden({ host, origin, site }: RequestOrigin, reception: Reception): string | null {
  const name = host.toLowerCase()
  if (!LOOPBACK_HOST.test(host) && !reception.allowedHosts.includes(name.replace(/:\d{1,5}$/, ''))) {
    return 'Moose answers only to 127.0.0.1, localhost, [::1] and the names in MOOSE_ALLOWED_HOSTS; use one of them as host.'
  }
  if (origin !== undefined && !reception.schemes.some((scheme) => origin.toLowerCase() === `${scheme}://${name}`)) {
    return 'The request comes from a page of another origin. Open the pages of Moose itself, or use the command line.'
  }
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return 'The request comes from a page of another site. Type the address into the browser instead.'
  }
  return null
}

/** @throws {Fault} `request_forbidden` */
export const guardRequest: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const { allowedHosts, proxy } = c.var.deps.config.api
  const { peer, secure = false, public: isPublic = false } = { ...c.env }
  const isProxied = proxy !== null && peer !== undefined && proxy.subnet.holds(peer)
  if (isPublic && !secure && !isProxied) throw new Fault('request_forbidden', ONLY_PROXIES)
  if (c.req.header('upgrade')?.toLowerCase() === 'websocket') throw new Fault('request_forbidden', NO_WEBSOCKETS)
  const host = c.req.header('host')
  // Without a socket there is no Host header; and a target that is a whole URL names a host of its own.
  const target = { host: new URL(c.req.url).host, origin: undefined, site: undefined }
  const asked = {
    host: host === undefined ? target.host : host,
    origin: c.req.header('origin'),
    site: c.req.header('sec-fetch-site'),
  }
  // A link, such as that of a pull request, leads to a page that shows nothing by itself and may stand in no frame.
  if (needOf(c) === 'page' && c.req.header('sec-fetch-mode') === 'navigate') asked.site = undefined
  const reception: Reception = { allowedHosts, schemes: secure ? ['https'] : isProxied ? ['http', 'https'] : ['http'] }
  const reason = whyForbidden(asked, reception) ?? whyForbidden(target, reception)
  if (reason !== null) throw new Fault('request_forbidden', reason)
  await next()
}

const ONLY_PROXIES =
  'Without TLS only the proxies of MOOSE_TRUSTED_PROXY may connect here: a token would pass in clear text. Ask through the proxy.'
const NO_WEBSOCKETS = 'Moose speaks no WebSocket. Events are streamed by GET /api/events.'

import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Sanitize } from '../redaction/sanitize-output.ts'
import type { HttpDeps } from './http-deps.ts'
import type { Metrics } from './metrics.ts'
import type { WhyNotReady } from './readiness.ts'
import type { StreamSlots } from './stream-slots.ts'

export type HttpLimits = {
  maxBodyBytes: number
  /** Event streams open at once. */
  maxStreams: number
  /** Pause after which a silent event stream says that it is alive. */
  heartbeatMs: number
}

export const HTTP_LIMITS: HttpLimits = { maxBodyBytes: 2_000_000, maxStreams: 100, heartbeatMs: 15_000 }

/** What the server hands over with each request. */
export type ServerBindings = { closing?: AbortSignal }

/** What every handler finds in its context. */
export type HttpEnv = {
  Variables: {
    deps: HttpDeps
    metrics: Metrics
    whyNotReady: WhyNotReady
    /** Makes what is answered of a failure fit to be shown. */
    sanitize: Sanitize
    limits: HttpLimits
    streamSlots: StreamSlots
    /** Aborts when the server shuts down; null where the app is called without a socket. */
    closing: AbortSignal | null
  }
  Bindings: ServerBindings
}

export type HttpApp = OpenAPIHono<HttpEnv>

/** Aborts when the client goes away or the server shuts down: the answer can no longer be delivered. */
export function requestSignal(c: Context<HttpEnv>): AbortSignal {
  const { closing } = c.var
  return closing === null ? c.req.raw.signal : AbortSignal.any([c.req.raw.signal, closing])
}

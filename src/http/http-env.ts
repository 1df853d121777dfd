import type { OpenAPIHono } from '@hono/zod-openapi'
import type { HttpServices } from './http-services.ts'
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
    services: HttpServices
    limits: HttpLimits
    streamSlots: StreamSlots
    /** Aborts when the server shuts down; null where the app is called without a socket. */
    closing: AbortSignal | null
  }
  Bindings: ServerBindings
}

export type HttpApp = OpenAPIHono<HttpEnv>

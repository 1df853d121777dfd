import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Actor } from '../contract/actor.ts'
import type { Sanitize } from '../redaction/sanitize-output.ts'
import type { Authenticator, Caller } from './authenticator.ts'
import type { ReadBaseFiles } from './filing/base-files.ts'
import type { HttpDeps } from './http-deps.ts'
import type { Metrics } from './metrics.ts'
import type { WhyNotReady } from './readiness.ts'
import type { Sessions } from './sessions.ts'
import type { StreamSlots } from './stream-slots.ts'

export type HttpLimits = {
  maxBodyBytes: number
  /** Event streams open at once. */
  maxStreams: number
  /** Of these, open to one caller. */
  maxStreamsOfCaller: number
  /** Pause after which a silent event stream says that it is alive. */
  heartbeatMs: number
}

export const HTTP_LIMITS: HttpLimits = {
  maxBodyBytes: 2_000_000,
  maxStreams: 100,
  maxStreamsOfCaller: 50,
  heartbeatMs: 15_000,
}

/** What comes with each request, from the server or from who calls the app within this process. */
export type ServerBindings = {
  closing?: AbortSignal
  /** Address of the other end. */
  peer?: string
  /** Whether it came by TLS. */
  secure?: boolean
  /** Whether others than this machine can reach the listener it came by. */
  public?: boolean
  /** Of a call within this process: who makes it. What comes through a socket never has it. */
  caller?: Caller
}

/** What every handler finds in its context. */
export type HttpEnv = {
  Variables: {
    /** Its database is that of who acts. */
    deps: HttpDeps
    authenticator: Authenticator
    sessions: Sessions
    /** Null: of a route that asks nobody. */
    caller: Caller | null
    /** Who acts, for what is written. */
    actor: Actor
    metrics: Metrics
    whyNotReady: WhyNotReady
    /** Makes what is answered of a failure fit to be shown. */
    sanitize: Sanitize
    limits: HttpLimits
    streamSlots: StreamSlots
    baseFiles: ReadBaseFiles
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

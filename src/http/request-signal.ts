import type { Context } from 'hono'
import type { HttpEnv } from './http-env.ts'

/** Aborts when the client goes away or the server shuts down: nobody waits for the answer any more. */
export function requestSignal(c: Context<HttpEnv>): AbortSignal {
  const { closing } = c.var
  return closing === null ? c.req.raw.signal : AbortSignal.any([c.req.raw.signal, closing])
}

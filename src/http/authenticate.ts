import type { Context, MiddlewareHandler } from 'hono'
import { getCookie } from 'hono/cookie'
import { withinTime } from '../async/deadline.ts'
import { type Actor, actorText } from '../contract/actor.ts'
import { allows, type Scope } from '../contract/api-token.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { type Caller, LOOKED_UP_WITHIN_MS } from './authenticator.ts'
import type { HttpEnv } from './http-env.ts'
import { needOf, type RouteNeed, scopeOf } from './route-needs.ts'
import { COOKIE_NAMES } from './sessions.ts'

/** Who is behind a request of an open route: nobody has to say. */
const UNKNOWN: Actor = { kind: 'moose', name: 'open route' }
const SIGNED: Actor = { kind: 'forge_login', name: 'webhook' }

/**
 * Finds out who calls, and lets in whom the route is for.
 *
 * @throws {Fault} `unauthenticated`, `scope_missing`, `too_many_requests`
 */
export const authenticate: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const need = needOf(c)
  const within = c.env?.caller
  const caller = within === undefined ? await callerFor(c, need) : within
  c.set('caller', caller)
  c.set('actor', caller === null ? (need === 'signed' ? SIGNED : UNKNOWN) : caller.actor)
  if (within === undefined) {
    c.var.authenticator.admit(caller === null ? `address ${c.env?.peer}` : actorText(caller.actor))
  }
  const scope = scopeOf(need)
  if (scope !== null) requireScope(c, scope)
  await next()
}

/**
 * Whether who called would be let in again: a token may have been revoked, or have expired, since the answer began. What
 * cannot be found out now changes nothing.
 */
export async function isStillLetIn(c: Context<HttpEnv>): Promise<boolean> {
  if (c.env?.caller !== undefined) return true
  const need = needOf(c)
  const scope = scopeOf(need)
  try {
    const caller = await callerFor(c, need)
    return scope === null || (caller !== null && allows(caller.scopes, scope))
  } catch (error) {
    return toFault(error).code !== 'unauthenticated'
  }
}

async function callerFor(c: Context<HttpEnv>, need: RouteNeed): Promise<Caller | null> {
  if (need === 'open' || need === 'page' || need === 'signed') return null
  const { proxy } = c.var.deps.config.api
  const asked = c.var.authenticator.identify({
    authorization: c.req.header('authorization'),
    user: proxy === null ? undefined : c.req.header(proxy.header),
    cookie: sessionCookie(c),
    peer: c.env?.peer === undefined ? null : c.env.peer,
  })
  // Whoever it is, and also where that cannot be found out now, the answer is given.
  return need === 'told' ? await withinTime(asked, LOOKED_UP_WITHIN_MS).catch(() => null) : await asked
}

/**
 * The cookie of a session counts only in what the page itself sends, which the browser says of each request and no page can
 * say of its own: not where it follows a link or a form from elsewhere, also from another port of this machine, which
 * `SameSite` lets through.
 * @see https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site
 */
function sessionCookie(c: Context<HttpEnv>): string | undefined {
  if (c.req.header('sec-fetch-site') !== 'same-origin') return undefined
  const { [COOKIE_NAMES.secure]: secure, [COOKIE_NAMES.plain]: plain } = getCookie(c)
  return secure === undefined ? plain : secure
}

/** Whether who calls may do what takes a scope. */
export function hasScope({ var: { caller } }: Context<HttpEnv>, scope: Scope): boolean {
  return caller !== null && allows(caller.scopes, scope)
}

/** For what takes more than the route itself. @throws {Fault} `scope_missing` */
export function requireScope(c: Context<HttpEnv>, scope: Scope, why = 'This'): void {
  if (hasScope(c, scope)) return
  const { caller } = c.var
  const has = caller === null ? 'none' : caller.scopes.join(', ')
  const who = caller === null ? 'the caller' : actorText(caller.actor)
  const message = `${why} takes the scope "${scope}", and ${who} has ${has}. Use a token that has it; one is made with: moose token create NAME --scope ${scope}`
  throw new Fault('scope_missing', message, { scope })
}

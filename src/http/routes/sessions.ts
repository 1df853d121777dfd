import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { deleteCookie, setCookie } from 'hono/cookie'
import { LoginLinkResponse, NewLoginLink, OpenSession, SessionResponse } from '../../contract/session.ts'
import { actingAs } from '../../db/audit/acting-as.ts'
import { recordAct } from '../../db/audit/audit-entries.ts'
import { findWorkOrder } from '../../db/work-orders/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { ANY_FAULT, BODY_FAULT, json, jsonBody, NO_SUCH_LINK, NO_SUCH_ORDER } from '../answers.ts'
import type { Caller } from '../authenticator.ts'
import type { HttpEnv } from '../http-env.ts'
import { newRoutes } from '../new-routes.ts'
import { COOKIE_NAMES, type Session } from '../sessions.ts'

const tags = ['Sessions']

const link = createRoute({
  method: 'post',
  path: '/api/sessions/links',
  operationId: 'createLoginLink',
  summary: 'A link that logs one browser in, once, within two minutes',
  description:
    'For who shows a token: the browser may then do what that token allows, as long as it counts. With `order` the link leads to ' +
    'that order.',
  tags,
  request: { body: jsonBody(NewLoginLink, false) },
  responses: { 201: json(LoginLinkResponse, 'The link'), ...BODY_FAULT, ...NO_SUCH_ORDER, ...ANY_FAULT },
})

const open = createRoute({
  method: 'post',
  path: '/api/sessions',
  operationId: 'openSession',
  summary: 'Log in with the code of a link; the answer sets the cookie',
  description: 'The cookie is `HttpOnly`, `SameSite=Strict`, under TLS `Secure`, and counts for 12 hours at most.',
  tags,
  request: { body: jsonBody(OpenSession, true) },
  responses: { 200: json(SessionResponse, 'Logged in'), ...BODY_FAULT, ...NO_SUCH_LINK, ...ANY_FAULT },
})

const show = createRoute({
  method: 'get',
  path: '/api/session',
  operationId: 'getSession',
  summary: 'Who is asking, and what that allows',
  tags,
  responses: { 200: json(SessionResponse, 'Who it is'), ...ANY_FAULT },
})

const end = createRoute({
  method: 'delete',
  path: '/api/session',
  operationId: 'endSession',
  summary: 'Log out: the session counts no longer, and the cookie is removed',
  tags,
  responses: { 200: json(SessionResponse, 'Who it was'), ...ANY_FAULT },
})

export const sessionRoutes = newRoutes()
  .openapi(link, async (c) => {
    const { caller, sessions, deps } = c.var
    const { order } = c.req.valid('json')
    const id = order === undefined ? null : (await findWorkOrder(deps.db, order)).id
    const answer = { success: true as const, page_url: deps.config.pageUrl }
    if (!deps.config.api.auth)
      return c.json({ ...answer, path: id === null ? '/' : `/orders/${id}`, expires_at: null }, 201)
    // A browser that is logged in makes no other, and so does not outlive its session.
    if (caller === null || caller.token === null || caller.session !== null)
      throw new Fault('request_forbidden', NO_LINK)
    const { code, expiresAt } = sessions.link(caller.token)
    const path = `/login${id === null ? '' : `?order=${id}`}#${code}`
    return c.json({ ...answer, path, expires_at: expiresAt.toISOString() }, 201)
  })
  .openapi(open, async (c) => {
    const { sessions, authenticator, deps } = c.var
    const opened = await sessions.open(c.req.valid('json').code)
    if (opened === null) throw new Fault('unauthenticated', NO_SUCH_CODE, { token: 'refused' })
    const { session, cookie } = opened
    const caller = await authenticator.ofSession(session)
    const details = { expires_at: session.expiresAt.toISOString() }
    const subject = { kind: 'session', id: session.id }
    await recordAct(actingAs(deps.db, caller.actor), { act: 'session.open', subject, details })
    keep(c, cookie, session)
    return c.json({ success: true as const, session: viewOf(caller) }, 200)
  })
  .openapi(show, (c) => c.json({ success: true as const, session: viewOf(askedBy(c)) }, 200))
  .openapi(end, async (c) => {
    const caller = askedBy(c)
    if (caller.session !== null) {
      c.var.sessions.end(caller.session)
      const subject = { kind: 'session', id: caller.session.id }
      await recordAct(c.var.deps.db, { act: 'session.end', subject, details: {} })
    }
    deleteCookie(c, nameOf(c), { path: '/', secure: isSecure(c) })
    return c.json({ success: true as const, session: viewOf(caller) }, 200)
  })

const NO_LINK = 'A link is made for who shows a token: Authorization: Bearer moose_… Make one with: moose open'
const NO_SUCH_CODE = 'The link was used, or is older than two minutes. Make another with: moose open'

function askedBy({ var: { caller } }: Context<HttpEnv>): Caller {
  if (caller === null) throw new Fault('internal', 'A route that takes a scope was reached without a caller')
  return caller
}

function viewOf({ actor, scopes, session }: Caller) {
  return { actor, scopes: [...scopes], expires_at: session === null ? null : session.expiresAt.toISOString() }
}

function keep(c: Context<HttpEnv>, cookie: string, { expiresAt }: Session): void {
  const options = { path: '/', httpOnly: true, sameSite: 'Strict', expires: expiresAt, secure: isSecure(c) } as const
  setCookie(c, nameOf(c), cookie, options)
}

/** Behind a proxy it is the proxy that speaks TLS: a browser says so in the Origin of what it sends. */
function isSecure(c: Context<HttpEnv>): boolean {
  return c.env?.secure === true || c.req.header('origin')?.startsWith('https:') === true
}

function nameOf(c: Context<HttpEnv>): string {
  return isSecure(c) ? COOKIE_NAMES.secure : COOKIE_NAMES.plain
}

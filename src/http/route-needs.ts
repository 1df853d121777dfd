import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { Scope } from '../contract/api-token.ts'
import type { HttpEnv } from './http-env.ts'

/**
 * What a route asks of who calls it: a scope; `open`: nothing, as it tells little; `page`: nothing, and a link on another site
 * may lead there; `told`: nothing, but who may read is told more; `signed`: it looks at a signature itself.
 */
export type RouteNeed = Scope | 'open' | 'page' | 'told' | 'signed'

/** Every route, as the contract writes it. What is not here takes `read`. */
export const ROUTE_NEEDS: Readonly<Record<string, RouteNeed>> = {
  'GET /healthz': 'open',
  'GET /readyz': 'told',
  'GET /openapi.json': 'open',
  'GET /': 'page',
  'GET /login': 'page',
  'GET /orders': 'page',
  'GET /orders/{id}': 'page',
  'GET /numbers': 'page',
  'GET /orders/{id}/edit': 'page',
  'GET /new': 'page',
  'GET /import': 'page',
  'GET /operate': 'page',
  'GET /operate/{part}': 'page',
  'GET /assets/{file}': 'open',
  'POST /api/sessions': 'open',
  'GET /docs': 'open',
  'GET /docs/': 'open',
  'GET /docs/start.js': 'open',
  'GET /docs/swagger-ui.css': 'open',
  'GET /docs/swagger-ui-bundle.js': 'open',
  'GET /docs/favicon-32x32.png': 'open',
  'POST /api/webhooks/github': 'signed',

  'POST /api/sessions/links': 'read',
  'GET /api/session': 'read',
  'DELETE /api/session': 'read',
  'GET /metrics': 'read',
  'GET /api/orchestrator': 'read',
  'GET /api/events': 'read',
  'GET /api/work-orders': 'read',
  'GET /api/lanes': 'read',
  'GET /api/work-orders/{id}': 'read',
  'GET /api/work-orders/{id}/why': 'read',
  'GET /api/inbox': 'read',
  'GET /api/work-orders/{id}/escalation': 'read',
  'GET /api/work-orders/{id}/events': 'read',
  'GET /api/work-orders/{id}/changes': 'read',
  'GET /api/work-orders/{id}/route': 'read',
  'GET /api/work-orders/{id}/tries': 'read',
  'GET /api/work-orders/{id}/attempts/{attempt}/tries/{number}': 'read',
  'GET /api/projects': 'read',
  'GET /api/projects/{name}': 'read',
  'GET /api/projects/{name}/files': 'read',
  'GET /api/proposers': 'read',
  'GET /api/proposers/{name}': 'read',
  'GET /api/budget': 'read',
  'GET /api/numbers': 'read',
  'GET /api/numbers/{table}': 'read',
  'GET /api/manager': 'read',
  'GET /api/manager/replay': 'read',
  'GET /api/audit': 'read',
  'POST /api/audit/verify': 'read',

  // Filed as approved or with more than the usual cap, an order takes `approve` too; a changed cap takes `operate`.
  'POST /api/work-orders': 'file',
  'POST /api/work-orders/check': 'file',
  'PATCH /api/work-orders/{id}': 'file',

  'POST /api/work-orders/approve': 'approve',
  'POST /api/work-orders/{id}/approve': 'approve',
  'POST /api/work-orders/{id}/reject': 'approve',
  'POST /api/work-orders/{id}/merge': 'approve',
  'POST /api/work-orders/{id}/close': 'approve',

  'POST /api/work-orders/{id}/cancel': 'operate',
  'POST /api/work-orders/{id}/retry': 'operate',
  'POST /api/work-orders/{id}/verify': 'operate',
  'POST /api/work-orders/{id}/adopt': 'operate',
  // Some options take `approve` too.
  'POST /api/work-orders/{id}/decide': 'operate',
  'POST /api/orchestrator': 'operate',
  'POST /api/orchestrator/start': 'operate',
  'POST /api/orchestrator/stop': 'operate',
  'PUT /api/orchestrator/places': 'operate',
  'POST /api/orchestrator/execute': 'operate',
  'POST /api/manager': 'operate',
  'POST /api/proposer-enhanced': 'operate',
  'POST /api/projects': 'operate',
  'PATCH /api/projects/{name}': 'operate',
  'DELETE /api/projects/{name}': 'operate',
  'DELETE /api/projects/{name}/pause': 'operate',
  'POST /api/projects/{name}/check': 'operate',
  'POST /api/proposers': 'operate',
  'PATCH /api/proposers/{name}': 'operate',
  'DELETE /api/proposers/{name}': 'operate',
  'PUT /api/proposers/{name}/price': 'operate',
  'POST /api/proposers/{name}/test': 'operate',
  'DELETE /api/proposers/{name}/provider-pause': 'operate',
  'PUT /api/budget/caps': 'operate',
  'POST /api/budget/stop': 'operate',
  'POST /api/budget/resume': 'operate',
  'POST /api/budget/reservations/{reservation_id}/settle': 'operate',
  'POST /api/budget/reconcile': 'operate',
  'POST /api/audit/accept': 'operate',
  'GET /api/doctor': 'operate',
  'GET /api/tokens': 'operate',
  'POST /api/tokens': 'operate',
  'DELETE /api/tokens/{name}': 'operate',
  'GET /api/notifications': 'operate',
  'POST /api/notifications': 'operate',
  'DELETE /api/notifications/{name}': 'operate',
  'POST /api/notifications/{name}/test': 'operate',
}

const BY_MATCH = new Map(Object.entries(ROUTE_NEEDS).map(([route, need]) => [matchOf(route), need]))

/** As Hono writes parameters. */
function matchOf(route: string): string {
  return route.replace(/\{(\w+)\}/g, ':$1')
}

/** Where the page is served, as Hono writes addresses. */
export const PAGE_ADDRESSES: readonly string[] = Object.entries(ROUTE_NEEDS)
  .filter(([, need]) => need === 'page')
  .map(([route]) => matchOf(route).slice('GET '.length))

/** What the route that will answer this request asks for. */
export function needOf(c: Context<HttpEnv>): RouteNeed {
  for (const { method, path } of matchedRoutes(c)) {
    const need = BY_MATCH.get(`${method} ${path}`)
    if (need !== undefined) return need
  }
  return isUnknownPage(c) ? 'page' : 'read'
}

/** Whether a browser was led to an address that is no route: the page says so, as it does of its own addresses. */
export function isUnknownPage(c: Context<HttpEnv>): boolean {
  const isLed = c.req.method === 'GET' && c.req.header('sec-fetch-mode') === 'navigate'
  return isLed && !/^\/(?:api|assets|docs)(?:\/|$)/.test(c.req.path)
}

/** The scope a need asks for; null: none. */
export function scopeOf(need: RouteNeed): Scope | null {
  return need === 'open' || need === 'page' || need === 'told' || need === 'signed' ? null : need
}

/** How the contract names the way to log in. */
export const SECURITY_SCHEME = 'token'

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const

type Operation = { security?: Record<string, string[]>[]; responses?: Record<string, unknown> }
type Document = { paths?: Record<string, Partial<Record<(typeof METHODS)[number], Operation>>> }

const fault = (description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Fault' } } },
})

/**
 * Writes into the contract what each operation asks for, from the one table that says so. For bearer tokens OpenAPI 3.1 takes
 * scopes as the roles that are required.
 *
 * @see https://spec.openapis.org/oas/v3.1.0#security-requirement-object
 */
export function withSecurity<D extends Document>(document: D): D {
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method]
      const need = ROUTE_NEEDS[`${method.toUpperCase()} ${path}`]
      if (operation === undefined || need === undefined) continue
      const scope = scopeOf(need)
      operation.security = scope === null ? [] : [{ [SECURITY_SCHEME]: [scope] }]
      if (scope === null) continue
      const refused = { 401: fault('`unauthenticated`: no token, or one that is unknown, expired or revoked') }
      operation.responses = { ...refused, ...operation.responses }
    }
  }
  return document
}

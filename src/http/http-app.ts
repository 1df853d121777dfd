import type { MiddlewareHandler } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import packageJson from '../../package.json' with { type: 'json' }
import { SCOPES } from '../config/scopes.ts'
import type { Actor } from '../contract/actor.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import { createSanitizer } from '../redaction/sanitize-output.ts'
import { answerError, answerMethodNotAllowed } from './answer-fault.ts'
import { authenticate } from './authenticate.ts'
import { createAuthenticator } from './authenticator.ts'
import { createBaseFiles } from './filing/base-files.ts'
import type { HttpDeps } from './http-deps.ts'
import { HTTP_LIMITS, type HttpApp, type HttpEnv, type HttpLimits, type ServerBindings } from './http-env.ts'
import { limitBody, onlyJson } from './json-body.ts'
import { createMetrics } from './metrics.ts'
import { newRoutes } from './new-routes.ts'
import { createReadiness } from './readiness.ts'
import { guardRequest } from './request-guard.ts'
import { SECURITY_SCHEME, withSecurity } from './route-needs.ts'
import { auditRoutes } from './routes/audit.ts'
import { budgetRoutes } from './routes/budget.ts'
import { changeRoutes } from './routes/changes.ts'
import { docsRoutes } from './routes/docs.ts'
import { doctorRoutes } from './routes/doctor.ts'
import { escalationRoutes } from './routes/escalations.ts'
import { eventRoutes } from './routes/events.ts'
import { filingRoutes } from './routes/filing.ts'
import { githubWebhookRoutes } from './routes/github-webhook.ts'
import { healthRoutes } from './routes/health.ts'
import { inboxRoutes } from './routes/inbox.ts'
import { managerRoutes } from './routes/manager.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { notificationRoutes } from './routes/notifications.ts'
import { numbersRoutes } from './routes/numbers.ts'
import { orchestratorRoutes } from './routes/orchestrator.ts'
import { answerUnknown, pageRoutes } from './routes/page.ts'
import { projectCheckRoutes } from './routes/project-check.ts'
import { projectRoutes } from './routes/projects.ts'
import { proposerRoutes } from './routes/proposer-enhanced.ts'
import { proposerConfigRoutes } from './routes/proposers.ts'
import { routingReviewRoutes } from './routes/routing-review.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { tryRoutes } from './routes/tries.ts'
import { workOrderActionRoutes } from './routes/work-order-actions.ts'
import { workOrderRoutes } from './routes/work-orders.ts'
import { securityHeaders } from './security-headers.ts'
import { createSessions } from './sessions.ts'
import { createStreamSlots } from './stream-slots.ts'

/**
 * The HTTP API. `app.request(path, init)` calls it in this process without a socket; `serveHttp` listens for it.
 */
export function createHttpApp(deps: HttpDeps, limits: HttpLimits = HTTP_LIMITS): HttpApp {
  const app = newRoutes()
  const streamSlots = createStreamSlots(limits)
  const baseFiles = createBaseFiles()
  const sessions = createSessions({ clock: deps.clock, secret: deps.homeToken })
  const authenticator = createAuthenticator({ ...deps, sessions })
  const metrics = createMetrics(deps)
  const whyNotReady = createReadiness(deps)
  const sanitize = createSanitizer(deps.config)
  const document = openApiDocument()
  app.use(async (c, next) => {
    c.set('deps', deps)
    c.set('authenticator', authenticator)
    c.set('sessions', sessions)
    c.set('metrics', metrics)
    c.set('whyNotReady', whyNotReady)
    c.set('sanitize', sanitize)
    c.set('limits', limits)
    c.set('streamSlots', streamSlots)
    c.set('baseFiles', baseFiles)
    c.set('closing', closingOf(c.env))
    await next()
  })
  app.use(securityHeaders, guardRequest, authenticate, onlyJson, limitBody, writeAsActor)
  app.use(methodNotAllowed({ app, onMethodNotAllowed: answerMethodNotAllowed }))
  app.onError(answerError)
  app.notFound(answerUnknown)
  app.route('/', apiRoutes())
  app.route('/', docsRoutes)
  app.route('/', pageRoutes)
  app.get('/openapi.json', (c) => c.json(document))
  return app
}

/** From here on what is written is written by who acts. */
const writeAsActor: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const { deps, actor } = c.var
  c.set('deps', { ...deps, db: actingAs(deps.db, actor) })
  await next()
}

/**
 * The app for who calls it within this process, and so has the home and its database: it may do everything. What comes through a
 * socket, which has bindings of its own, is asked who it is all the same.
 */
export function calledWithin(app: HttpApp, actor: Actor): Pick<HttpApp, 'fetch'> {
  const caller = { actor, scopes: SCOPES, token: null, session: null }
  return { fetch: (request, bindings = { caller }, context) => app.fetch(request, bindings, context) }
}

/** Hono leaves the bindings out altogether where the app is called without a server. */
function closingOf(bindings: ServerBindings | undefined): AbortSignal | null {
  return bindings?.closing === undefined ? null : bindings.closing
}

/** Every route of the contract, in the order the contract lists them. */
export function apiRoutes(): HttpApp {
  return newRoutes()
    .route('/', workOrderRoutes)
    .route('/', workOrderActionRoutes)
    .route('/', tryRoutes)
    .route('/', changeRoutes)
    .route('/', inboxRoutes)
    .route('/', escalationRoutes)
    .route('/', eventRoutes)
    .route('/', projectRoutes)
    .route('/', projectCheckRoutes)
    .route('/', filingRoutes)
    .route('/', orchestratorRoutes)
    .route('/', budgetRoutes)
    .route('/', numbersRoutes)
    .route('/', auditRoutes)
    .route('/', doctorRoutes)
    .route('/', proposerConfigRoutes)
    .route('/', managerRoutes)
    .route('/', routingReviewRoutes)
    .route('/', proposerRoutes)
    .route('/', tokenRoutes)
    .route('/', sessionRoutes)
    .route('/', notificationRoutes)
    .route('/', githubWebhookRoutes)
    .route('/', healthRoutes)
    .route('/', metricsRoutes)
}

/** The contract as an OpenAPI 3.1 document; the same routes give the same document, key for key. */
export function openApiDocument() {
  const routes = apiRoutes()
  routes.openAPIRegistry.registerComponent('securitySchemes', SECURITY_SCHEME, {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'moose_…',
    description:
      'Made with `moose token create`. With `MOOSE_API_AUTH=off`, for this machine alone, none is asked for.',
  })
  const document = routes.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Moose',
      version: packageJson.version,
      description: packageJson.description,
      license: { name: packageJson.license },
    },
    servers: [{ url: '/' }],
  })
  return withSecurity(document)
}

import { methodNotAllowed } from 'hono/method-not-allowed'
import packageJson from '../../package.json' with { type: 'json' }
import { createSanitizer } from '../redaction/sanitize-output.ts'
import { answerError, answerMethodNotAllowed, answerNotFound } from './answer-fault.ts'
import type { HttpDeps } from './http-deps.ts'
import { HTTP_LIMITS, type HttpApp, type HttpLimits, type ServerBindings } from './http-env.ts'
import { limitBody, onlyJson } from './json-body.ts'
import { createMetrics } from './metrics.ts'
import { newRoutes } from './new-routes.ts'
import { createReadiness } from './readiness.ts'
import { guardRequest } from './request-guard.ts'
import { budgetRoutes } from './routes/budget.ts'
import { docsRoutes } from './routes/docs.ts'
import { eventRoutes } from './routes/events.ts'
import { githubWebhookRoutes } from './routes/github-webhook.ts'
import { healthRoutes } from './routes/health.ts'
import { managerRoutes } from './routes/manager.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { orchestratorRoutes } from './routes/orchestrator.ts'
import { projectCheckRoutes } from './routes/project-check.ts'
import { projectRoutes } from './routes/projects.ts'
import { proposerRoutes } from './routes/proposer-enhanced.ts'
import { proposerConfigRoutes } from './routes/proposers.ts'
import { routingReviewRoutes } from './routes/routing-review.ts'
import { workOrderActionRoutes } from './routes/work-order-actions.ts'
import { workOrderRoutes } from './routes/work-orders.ts'
import { securityHeaders } from './security-headers.ts'
import { createStreamSlots } from './stream-slots.ts'

/**
 * The HTTP API. `app.request(path, init)` calls it in this process without a socket; `serveHttp` listens for it.
 */
export function createHttpApp(deps: HttpDeps, limits: HttpLimits = HTTP_LIMITS): HttpApp {
  const app = newRoutes()
  const streamSlots = createStreamSlots(limits.maxStreams)
  const metrics = createMetrics(deps)
  const whyNotReady = createReadiness(deps)
  const sanitize = createSanitizer(deps.config)
  const document = openApiDocument()
  app.use(async (c, next) => {
    c.set('deps', deps)
    c.set('metrics', metrics)
    c.set('whyNotReady', whyNotReady)
    c.set('sanitize', sanitize)
    c.set('limits', limits)
    c.set('streamSlots', streamSlots)
    c.set('closing', closingOf(c.env))
    await next()
  })
  app.use(securityHeaders, guardRequest, onlyJson, limitBody)
  app.use(methodNotAllowed({ app, onMethodNotAllowed: answerMethodNotAllowed }))
  app.onError(answerError)
  app.notFound(answerNotFound)
  app.route('/', apiRoutes())
  app.route('/', docsRoutes)
  app.get('/openapi.json', (c) => c.json(document))
  return app
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
    .route('/', eventRoutes)
    .route('/', projectRoutes)
    .route('/', projectCheckRoutes)
    .route('/', orchestratorRoutes)
    .route('/', budgetRoutes)
    .route('/', proposerConfigRoutes)
    .route('/', managerRoutes)
    .route('/', routingReviewRoutes)
    .route('/', proposerRoutes)
    .route('/', githubWebhookRoutes)
    .route('/', healthRoutes)
    .route('/', metricsRoutes)
}

/** The contract as an OpenAPI 3.1 document; the same routes give the same document, key for key. */
export function openApiDocument() {
  return apiRoutes().getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Moose',
      version: packageJson.version,
      description: packageJson.description,
      license: { name: packageJson.license },
    },
    servers: [{ url: '/' }],
  })
}

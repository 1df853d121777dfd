import { methodNotAllowed } from 'hono/method-not-allowed'
import { createSanitizer } from '../redaction/sanitize-output.ts'
import { answerError, answerMethodNotAllowed, answerNotFound } from './answer-fault.ts'
import { apiRoutes, openApiDocument } from './api-routes.ts'
import type { HttpDeps } from './http-deps.ts'
import { HTTP_LIMITS, type HttpApp, type HttpLimits, type ServerBindings } from './http-env.ts'
import { limitBody, onlyJson } from './json-body.ts'
import { createMetrics } from './metrics.ts'
import { newRoutes } from './new-routes.ts'
import { createReadiness } from './readiness.ts'
import { guardRequest } from './request-guard.ts'
import { docsRoutes } from './routes/docs.ts'
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

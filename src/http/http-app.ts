import { methodNotAllowed } from 'hono/method-not-allowed'
import { answerError, answerMethodNotAllowed, answerNotFound } from './answer-fault.ts'
import { apiRoutes } from './api-routes.ts'
import { HTTP_LIMITS, type HttpApp, type HttpLimits, type ServerBindings } from './http-env.ts'
import type { HttpServices } from './http-services.ts'
import { limitBody, onlyJson } from './json-body.ts'
import { newRoutes } from './new-routes.ts'
import { openApiDocument } from './openapi-document.ts'
import { guardRequest } from './request-guard.ts'
import { docsRoutes } from './routes/docs.ts'
import { securityHeaders } from './security-headers.ts'
import { createStreamSlots } from './stream-slots.ts'

/**
 * The HTTP API over its services. `app.request(path, init)` calls it in this process without a socket; `serveHttp`
 * listens for it.
 */
export function createHttpApp(services: HttpServices, limits: HttpLimits = HTTP_LIMITS): HttpApp {
  const app = newRoutes()
  const streamSlots = createStreamSlots(limits.maxStreams)
  const document = openApiDocument()
  app.use(async (c, next) => {
    c.set('services', services)
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

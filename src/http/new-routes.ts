import { OpenAPIHono } from '@hono/zod-openapi'
import type { HttpApp, HttpEnv } from './http-env.ts'
import { refuseInvalid } from './refuse-invalid.ts'

/** An empty set of routes whose invalid requests are answered with `request_invalid`. */
export function newRoutes(): HttpApp {
  return new OpenAPIHono<HttpEnv>({ defaultHook: refuseInvalid('request_invalid') })
}

import { createRoute, z } from '@hono/zod-openapi'
import { ANY_FAULT, json } from '../answers.ts'
import { newRoutes } from '../new-routes.ts'

const health = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'getHealth',
  summary: 'Whether the service answers',
  tags: ['Service'],
  responses: { 200: json(z.object({ ok: z.literal(true) }), 'It does'), ...ANY_FAULT },
})

export const healthRoutes = newRoutes().openapi(health, (c) => c.json({ ok: true as const }, 200))

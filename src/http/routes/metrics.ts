import { createRoute, z } from '@hono/zod-openapi'
import { ANY_FAULT } from '../answers.ts'
import { newRoutes } from '../new-routes.ts'

const metrics = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  summary: 'Numbers for Prometheus',
  description:
    'What this process counts, and what the database knows of all of them. Without the database the latter are left out ' +
    'and `moose_database_up` is 0.',
  tags: ['Service'],
  responses: {
    200: { description: 'In the text format of Prometheus', content: { 'text/plain': { schema: z.string() } } },
    ...ANY_FAULT,
  },
})

export const metricsRoutes = newRoutes().openapi(metrics, async (c) => {
  const { contentType, text } = await c.var.metrics.read()
  return c.text(text, 200, { 'Content-Type': contentType })
})

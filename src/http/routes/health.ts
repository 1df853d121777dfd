import { createRoute, z } from '@hono/zod-openapi'
import { Fault } from '../../faults/fault.ts'
import { ANY_FAULT, json, NOT_READY } from '../answers.ts'
import { newRoutes } from '../new-routes.ts'

const tags = ['Service']
const UNTOLD = 'Not ready. A token with the scope read is told why; moose status says it too.'

const health = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'getHealth',
  summary: 'Whether the service answers',
  tags,
  responses: { 200: json(z.object({ ok: z.literal(true), pid: z.number().int() }), 'It does'), ...ANY_FAULT },
})

const readiness = createRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'getReadiness',
  summary: 'Whether orders can be carried out now',
  description:
    'The database answers and has its tables, no row of system_config is malformed, this process owns its home, and it is ' +
    'not stopping. Answers within about a second. Takes no token; who has one with `read` is also told the reasons.',
  tags,
  responses: { 200: json(z.object({ ok: z.literal(true) }), 'They can'), ...ANY_FAULT, ...NOT_READY },
})

export const healthRoutes = newRoutes()
  .openapi(health, (c) => c.json({ ok: true as const, pid: process.pid }, 200))
  .openapi(readiness, async (c) => {
    const fault = await c.var.whyNotReady()
    if (fault !== null) throw c.var.caller === null ? new Fault(fault.code, UNTOLD, fault.details) : fault
    return c.json({ ok: true as const }, 200)
  })

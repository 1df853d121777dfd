import { createRoute } from '@hono/zod-openapi'
import { WorkOrderParams } from '../../contract/work-orders.ts'
import { ReplayQuery, RouteExplanationResponse, RouteReplayResponse } from '../../ports/routing-review.ts'
import { ANY_FAULT, CONFLICT, json, NO_SUCH_ORDER, QUERY_FAULT } from '../answers.ts'
import { newRoutes } from '../new-routes.ts'

const tags = ['Manager']

const explain = createRoute({
  method: 'get',
  path: '/api/work-orders/{id}/route',
  operationId: 'explainRoute',
  summary: 'Why a work order would go to whom now, and to whom it went before',
  description: 'Nothing is stored or spent; the order need not be approved.',
  tags,
  request: { params: WorkOrderParams },
  responses: {
    200: json(RouteExplanationResponse, 'The decision, what is expected of each proposer, and past decisions'),
    ...NO_SUCH_ORDER,
    ...CONFLICT,
    ...ANY_FAULT,
  },
})

const replay = createRoute({
  method: 'get',
  path: '/api/manager/replay',
  operationId: 'replayRoutes',
  summary: 'What today’s policy would have done with past orders',
  tags,
  request: { query: ReplayQuery },
  responses: {
    200: json(RouteReplayResponse, 'Newest first, with the sums'),
    ...QUERY_FAULT,
    ...CONFLICT,
    ...ANY_FAULT,
  },
})

export const routingReviewRoutes = newRoutes()
  .openapi(explain, async (c) => {
    const { id } = c.req.valid('param')
    return c.json({ success: true as const, explanation: await c.var.services.routing.explain(id) }, 200)
  })
  .openapi(replay, async (c) => {
    const { limit } = c.req.valid('query')
    return c.json({ success: true as const, replay: await c.var.services.routing.replay(limit) }, 200)
  })

import { createRoute } from '@hono/zod-openapi'
import { WorkOrderParams } from '../../contract/work-orders.ts'
import { findWorkOrder } from '../../db/work-orders/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { describeProblems, fieldProblems } from '../../faults/schema-problems.ts'
import { explainRoute, replayRoutes } from '../../manager/review.ts'
import {
  ReplayQuery,
  type RouteExplanation,
  RouteExplanationResponse,
  RouteReplayResponse,
} from '../../ports/routing-review.ts'
import { WorkOrderContent } from '../../work-order/content.ts'
import { ANY_FAULT, CONFLICT, json, NO_SUCH_ORDER, QUERY_FAULT } from '../answers.ts'
import type { HttpDeps } from '../http-deps.ts'
import { newRoutes } from '../new-routes.ts'

const tags = ['Manager']

const explain = createRoute({
  method: 'get',
  path: '/api/work-orders/{id}/route',
  operationId: 'explainRoute',
  summary: 'Which proposer would get a work order now and why, and which ones got it before',
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
    const explanation = await explainOrder(c.var.deps, c.req.valid('param').id)
    return c.json({ success: true as const, explanation }, 200)
  })
  .openapi(replay, async (c) => {
    const { limit } = c.req.valid('query')
    return c.json({ success: true as const, replay: await replayRoutes(c.var.deps, limit) }, 200)
  })

/** @throws {Fault} `work_order_invalid`, and those of `explainRoute` */
async function explainOrder(
  { db, manager }: Pick<HttpDeps, 'db' | 'manager'>,
  idOrPrefix: string,
): Promise<RouteExplanation> {
  const order = await findWorkOrder(db, idOrPrefix)
  const content = WorkOrderContent.safeParse(order)
  if (!content.success) {
    const problems = describeProblems(fieldProblems(content.error))
    throw new Fault('work_order_invalid', `The work order cannot be routed: ${problems}.`, { id: order.id })
  }
  return explainRoute({ db, manager }, { id: order.id, title: order.title, content: content.data })
}

import { createRoute } from '@hono/zod-openapi'
import { Fault } from '../../faults/fault.ts'
import { RetryDecision, RetryRequest, RoutingRequest, RoutingResponse } from '../../ports/routing.ts'
import { answerFault } from '../answer-fault.ts'
import { ANY_FAULT, BODY_FAULT, CONFLICT, json, jsonBody, NOT_APPROVED, QUERY_FAULT } from '../answers.ts'
import { requestSignal } from '../http-env.ts'
import { newRoutes } from '../new-routes.ts'

const route = createRoute({
  method: 'post',
  path: '/api/manager',
  operationId: 'routeWorkOrder',
  summary: 'Choose the proposer of a work order',
  tags: ['Manager'],
  request: { body: jsonBody(RoutingRequest, true) },
  responses: {
    200: json(RoutingResponse, 'The decision and its reason'),
    ...BODY_FAULT,
    ...CONFLICT,
    ...ANY_FAULT,
    ...NOT_APPROVED,
  },
})

const retry = createRoute({
  method: 'get',
  path: '/api/manager',
  operationId: 'decideRetry',
  summary: 'What to do about a failed proposal',
  description: 'The same proposer once more, then the next more able one, then a human; at most three tries.',
  tags: ['Manager'],
  request: { query: RetryRequest.strict() },
  responses: { 200: json(RetryDecision, 'The decision and its reason'), ...QUERY_FAULT, ...ANY_FAULT },
})

export const managerRoutes = newRoutes()
  .openapi(retry, async (c) =>
    c.json(await c.var.deps.manager.decideRetry(c.req.valid('query'), requestSignal(c)), 200),
  )
  .openapi(route, async (c) => {
    try {
      const decision = await c.var.deps.manager.route(c.req.valid('json'), requestSignal(c))
      return c.json({ success: true as const, routing_decision: decision }, 200)
    } catch (error) {
      // Elsewhere a missing approval is a state that can change (409). Here it is what the sender claims of the order, and
      // callers of the first Moose's Manager know the answer as 403.
      if (error instanceof Fault && error.code === 'work_order_not_approved') return answerFault(c, error, 403)
      throw error
    }
  })

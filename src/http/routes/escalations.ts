import { createRoute } from '@hono/zod-openapi'
import { decide, escalationsOf } from '../../client-manager/client-manager.ts'
import { DecidedResponse, DecideWorkOrder, EscalationResponse } from '../../contract/why/escalation.ts'
import { WorkOrderParams } from '../../contract/work-orders.ts'
import type { Usd } from '../../money.ts'
import { ANY_FAULT, BODY_FAULT, CONFLICT, json, jsonBody, NO_SUCH_ORDER } from '../answers.ts'
import { requireScope } from '../authenticate.ts'
import { newRoutes } from '../new-routes.ts'
import { requireUpTo } from '../require-up-to.ts'

const tags = ['Work orders']

const show = createRoute({
  method: 'get',
  path: '/api/work-orders/{id}/escalation',
  operationId: 'getEscalation',
  summary: 'What a human has to decide about an order that is stopped, and what was decided before',
  description:
    'Of an order that failed, is blocked by what does not end by itself, or whose pull request Moose does no more about: its story in five lines, and the options with the ' +
    'expected cost of each and how often it ended well. It closes by itself when the order goes on by other means.',
  tags,
  request: { params: WorkOrderParams },
  responses: { 200: json(EscalationResponse, 'The open one, and those before'), ...NO_SUCH_ORDER, ...ANY_FAULT },
})

const answer = createRoute({
  method: 'post',
  path: '/api/work-orders/{id}/decide',
  operationId: 'decideWorkOrder',
  summary: 'Decide about an order that is stopped, by one of its options',
  description:
    '`allow`: what is held of its change may be published. `adopt`: the pull request is given back to Moose. `retry`: again, ' +
    'with a higher cap where the one it has is too low; of an order in review one more reaction to how its pull request stands. ' +
    '`model`: given to another proposer. `amend`: the order is changed, approved as changed, and tried again. `verify`: without a ' +
    'model, the checks on the commit that is there. `abort`: given up; an open pull request is closed, as by `amend`. `allow` and `amend` take the scope `approve` too, and so ' +
    'does a `budget_usd` over the cap of any order, named or offered. `allow` takes `held` of the option as it was shown.',
  tags,
  request: { params: WorkOrderParams, body: jsonBody(DecideWorkOrder, true) },
  responses: {
    200: json(DecidedResponse, 'As it is now, the answer as it is kept, and what follows'),
    ...NO_SUCH_ORDER,
    ...CONFLICT,
    ...BODY_FAULT,
    ...ANY_FAULT,
  },
})

export const escalationRoutes = newRoutes()
  .openapi(show, async (c) => {
    return c.json({ success: true as const, ...(await escalationsOf(c.var.deps, c.req.valid('param').id)) }, 200)
  })
  .openapi(answer, async (c) => {
    const wish = c.req.valid('json')
    if (wish.option === 'allow') requireScope(c, 'approve', 'Allowing what is held')
    if (wish.option === 'amend') requireScope(c, 'approve', 'Changing and approving an order')
    const assertMayCost = (budget: Usd) => requireUpTo(c, budget)
    const decided = await decide(c.var.deps, c.req.valid('param').id, { wish, by: c.var.actor, assertMayCost })
    return c.json({ success: true as const, ...decided }, 200)
  })

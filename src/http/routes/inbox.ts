import { createRoute } from '@hono/zod-openapi'
import { InboxResponse, WhyResponse } from '../../contract/why/inbox.ts'
import { WorkOrderParams } from '../../contract/work-orders.ts'
import { ANY_FAULT, json, NO_SUCH_ORDER } from '../answers.ts'
import { explainedOrder, readInbox } from '../inbox/inbox.ts'
import { newRoutes } from '../new-routes.ts'

const tags = ['Work orders']

const why = createRoute({
  method: 'get',
  path: '/api/work-orders/{id}/why',
  operationId: 'getWhy',
  summary: 'What an order waits for, or why it stands where it stands',
  description:
    'Derived when it is asked, by the functions by which orders are claimed and resumed, and stored nowhere. Of an order ' +
    'that is not approved: what approving it would mean.',
  tags,
  request: { params: WorkOrderParams },
  responses: { 200: json(WhyResponse, 'The answer, with its evidence'), ...NO_SUCH_ORDER, ...ANY_FAULT },
})

const inbox = createRoute({
  method: 'get',
  path: '/api/inbox',
  operationId: 'getInbox',
  summary: 'What waits for a human, the most urgent first',
  tags,
  responses: { 200: json(InboxResponse, 'Everything that needs one'), ...ANY_FAULT },
})

export const inboxRoutes = newRoutes()
  .openapi(why, async (c) => {
    const answer = await explainedOrder(c.var.deps, c.req.valid('param').id)
    return c.json({ success: true as const, ...answer }, 200)
  })
  .openapi(inbox, async (c) => c.json({ success: true as const, ...(await readInbox(c.var.deps)) }, 200))

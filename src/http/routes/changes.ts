import { createRoute } from '@hono/zod-openapi'
import { ChangesResponse } from '../../contract/changes.ts'
import { WorkOrderParams } from '../../contract/work-orders.ts'
import { ANY_FAULT, json, NO_SUCH_ORDER } from '../answers.ts'
import { newRoutes } from '../new-routes.ts'
import { orderChanges } from '../order-changes.ts'

const changes = createRoute({
  method: 'get',
  path: '/api/work-orders/{id}/changes',
  operationId: 'getChanges',
  summary: 'What an order has changed, file by file',
  description:
    'What is held of it, while a human has to allow that; else its pull request, the one it stands on. Of each file how many lines ' +
    'it has won and lost, whether it is in the scope of the order, and why it is protected.',
  tags: ['Work orders'],
  request: { params: WorkOrderParams },
  responses: { 200: json(ChangesResponse, 'The files'), ...NO_SUCH_ORDER, ...ANY_FAULT },
})

export const changeRoutes = newRoutes().openapi(changes, async (c) => {
  const found = await orderChanges(c.var.deps.db, c.req.valid('param').id)
  return c.json({ success: true as const, work_order_id: found.id, changes: found.changes }, 200)
})

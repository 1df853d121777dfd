import { createRoute, z } from '@hono/zod-openapi'
import type { Kysely } from 'kysely'
import {
  AddWorkOrders,
  EditWorkOrder,
  type ListedWorkOrder,
  ListedWorkOrdersResponse,
  ListQuery,
  WorkOrderDetailResponse,
  WorkOrderParams,
  WorkOrderResponse,
  WorkOrdersResponse,
} from '../../contract/work-orders.ts'
import { replayedOrders } from '../../db/attempts/attempt-history.ts'
import { findProjectByName } from '../../db/projects.ts'
import type { Database } from '../../db/schema.ts'
import { editWorkOrder } from '../../db/work-orders/edit-work-order.ts'
import { listWorkOrders } from '../../db/work-orders/list-work-orders.ts'
import { addWorkOrders } from '../../db/work-orders/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import {
  ANY_FAULT,
  BODY_FAULT,
  CONFLICT,
  json,
  jsonBody,
  NO_SUCH_ORDER,
  NO_SUCH_PROJECT,
  QUERY_FAULT,
} from '../answers.ts'
import { newRoutes, refuseInvalid } from '../new-routes.ts'
import { withVerification } from '../verification.ts'
import { workOrderDetail } from '../work-order-detail.ts'

const tags = ['Work orders']

const list = createRoute({
  method: 'get',
  path: '/api/work-orders',
  operationId: 'listWorkOrders',
  summary: 'List work orders',
  tags,
  request: { query: ListQuery },
  responses: {
    200: json(
      ListedWorkOrdersResponse,
      'Oldest first; of more than `limit`, the newest. Long columns are not whole: `shortened` names them',
    ),
    ...QUERY_FAULT,
    ...NO_SUCH_PROJECT,
    ...ANY_FAULT,
  },
})

const add = createRoute({
  method: 'post',
  path: '/api/work-orders',
  operationId: 'addWorkOrders',
  summary: 'File one work order, or many',
  tags,
  request: { body: jsonBody(AddWorkOrders, true) },
  responses: {
    201: json(z.union([WorkOrderResponse, WorkOrdersResponse]), 'Stored, all of them'),
    ...BODY_FAULT,
    ...NO_SUCH_PROJECT,
    ...ANY_FAULT,
  },
})

const show = createRoute({
  method: 'get',
  path: '/api/work-orders/{id}',
  operationId: 'getWorkOrder',
  summary: 'One work order with its attempts, their steps and the pull request',
  tags,
  request: { params: WorkOrderParams },
  responses: { 200: json(WorkOrderDetailResponse, 'The order'), ...NO_SUCH_ORDER, ...ANY_FAULT },
})

const edit = createRoute({
  method: 'patch',
  path: '/api/work-orders/{id}',
  operationId: 'editWorkOrder',
  summary: 'Correct a work order; an approval is withdrawn and has to be given anew',
  description: 'Not while the order is in progress, and not once it is completed.',
  tags,
  request: { params: WorkOrderParams, body: jsonBody(EditWorkOrder, true) },
  responses: {
    200: json(WorkOrderResponse, 'The order as it stands now'),
    ...BODY_FAULT,
    ...NO_SUCH_ORDER,
    ...CONFLICT,
    ...ANY_FAULT,
  },
})

export const workOrderRoutes = newRoutes()
  .openapi(list, async (c) => {
    const orders = await listedWorkOrders(c.var.deps.db, c.req.valid('query'))
    return c.json({ success: true as const, work_orders: orders }, 200)
  })
  .openapi(
    add,
    async (c) => {
      const body = c.req.valid('json')
      const many = 'work_orders' in body
      const stored = await addWorkOrders(c.var.deps.db, many ? body.work_orders : [body])
      const added = await withVerification(c.var.deps, stored)
      if (many) return c.json({ success: true as const, work_orders: added }, 201)
      const [order] = added
      if (order === undefined) throw new Fault('internal', 'A work order was stored and not given back')
      return c.json({ success: true as const, work_order: order }, 201)
    },
    refuseInvalid('work_order_invalid'),
  )
  .openapi(show, async (c) => {
    const order = await workOrderDetail(c.var.deps.db, c.req.valid('param').id)
    const [shown = order] = order.status === 'pending' ? await withVerification(c.var.deps, [order]) : []
    return c.json({ success: true as const, work_order: shown }, 200)
  })
  .openapi(
    edit,
    async (c) => {
      const order = await editWorkOrder(c.var.deps.db, c.req.valid('param').id, c.req.valid('json'))
      return c.json({ success: true as const, work_order: order }, 200)
    },
    refuseInvalid('work_order_invalid'),
  )

/** @throws {Fault} `not_found` for an unknown project */
async function listedWorkOrders(db: Kysely<Database>, query: ListQuery): Promise<ListedWorkOrder[]> {
  if (query.project !== undefined) await findProjectByName(db, query.project)
  const orders = await listWorkOrders(db, query)
  const ids = orders.map(({ id }) => id)
  const replayed = await replayedOrders(db, ids)
  return orders.map((order) => ({ ...order, replayed: replayed.has(order.id) }))
}

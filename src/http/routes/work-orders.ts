import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { readBudgetRules } from '../../budget/limits.ts'
import { LanesQuery, LanesResponse, ListedWorkOrdersResponse, ListQuery } from '../../contract/order-list.ts'
import {
  AddWorkOrders,
  EditWorkOrder,
  type NewWorkOrder,
  WorkOrderDetailResponse,
  WorkOrderParams,
  WorkOrderResponse,
  WorkOrdersResponse,
} from '../../contract/work-orders.ts'
import { addWorkOrders } from '../../db/work-orders/add-work-orders.ts'
import { editWorkOrder } from '../../db/work-orders/edit-work-order.ts'
import { Fault } from '../../faults/fault.ts'
import { shownUsd, statedUsd } from '../../money.ts'
import { orderAddress } from '../../work-order/naming.ts'
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
import { hasScope, requireScope } from '../authenticate.ts'
import { approvedByRule, riskNow, withTerms } from '../filing/approval-terms.ts'
import { withMissingContext } from '../filing/missing-context.ts'
import type { HttpEnv } from '../http-env.ts'
import { lanesOf, listedOrders } from '../inbox/listed-orders.ts'
import { newRoutes, refuseInvalid } from '../new-routes.ts'
import { requireUpTo } from '../require-up-to.ts'
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
      'Without `sort` oldest first, of more than `limit` the newest. Long columns are not whole: `shortened` names them',
    ),
    ...QUERY_FAULT,
    ...NO_SUCH_PROJECT,
    ...ANY_FAULT,
  },
})

const lanes = createRoute({
  method: 'get',
  path: '/api/lanes',
  operationId: 'listLanes',
  summary: 'Work orders as a board: by what is derived of them, the last changed of each column',
  tags,
  request: { query: LanesQuery },
  responses: {
    200: json(LanesResponse, 'Every column, from left to right'),
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
  description:
    'With `approved`, or a `budget_usd` over the cap of any order (`order_cap`), it takes the scope `approve` too.',
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
  description:
    'Not while the order is in progress or a pull request of it is open, and not once it is completed. With `budget_usd` it takes the scope `operate` too, and ' +
    '`approve` where that is over the cap of any order (`order_cap`).',
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
    const { orders, ...page } = await listedOrders(c.var.deps, c.req.valid('query'))
    return c.json({ success: true as const, work_orders: orders.map(({ listed }) => listed), ...page }, 200)
  })
  .openapi(lanes, async (c) => {
    return c.json({ success: true as const, lanes: await lanesOf(c.var.deps, c.req.valid('query')) }, 200)
  })
  .openapi(
    add,
    async (c) => {
      const body = c.req.valid('json')
      const many = 'work_orders' in body
      const orders = many ? body.work_orders : [body]
      if (orders.some(({ approved }) => approved)) requireScope(c, 'approve', 'Filing an order as approved')
      if (!hasScope(c, 'approve')) await refuseDearer(c, orders)
      const stored = await addWorkOrders(c.var.deps.db, orders)
      const judged = await approvedByRule(c.var.deps, stored)
      const added = await withMissingContext(c.var, judged)
      if (many) return c.json({ success: true as const, work_orders: added }, 201)
      const [order] = added
      if (order === undefined) throw new Fault('internal', 'A work order was stored and not given back')
      return c.json({ success: true as const, work_order: order }, 201)
    },
    refuseInvalid('work_order_invalid'),
  )
  .openapi(show, async (c) => {
    const order = await workOrderDetail(c.var.deps.db, c.req.valid('param').id)
    const body = order.pull_request === null ? null : order.pull_request.body
    const terms =
      order.status === 'pending'
        ? await withTerms(c.var.deps, [order])
        : [{ ...order, risk: await riskNow(c.var.deps, order, body) }]
    const [shown = order] = await withMissingContext(c.var, terms)
    const address = orderAddress(c.var.deps.config.pageUrl, order.id)
    return c.json({ success: true as const, work_order: { ...order, ...shown, page_url: address } }, 200)
  })
  .openapi(
    edit,
    async (c) => {
      const change = c.req.valid('json')
      const { budget_usd: budget } = change
      if (budget !== undefined) requireScope(c, 'operate', 'Changing what an order may cost')
      if (budget !== undefined && budget !== null) await requireUpTo(c, statedUsd(budget))
      const order = await editWorkOrder(c.var.deps.db, c.req.valid('param').id, change)
      return c.json({ success: true as const, work_order: order }, 200)
    },
    refuseInvalid('work_order_invalid'),
  )

/**
 * Who only files does not say that an order may cost more than any may.
 *
 * @throws {Fault} `scope_missing`; `config_invalid` where the cap cannot be read
 */
async function refuseDearer(c: Context<HttpEnv>, orders: readonly NewWorkOrder[]): Promise<void> {
  const budgets = orders.flatMap(({ budget_usd: usd }) => (usd === undefined || usd === null ? [] : [statedUsd(usd)]))
  if (budgets.length === 0) return
  const { order_cap: cap } = (await readBudgetRules(c.var.deps.db)).limits
  if (cap === null || budgets.every((budget) => budget.lessThanOrEqualTo(cap))) return
  requireScope(c, 'approve', `budget_usd over ${shownUsd(cap)}, the cap of any order,`)
}

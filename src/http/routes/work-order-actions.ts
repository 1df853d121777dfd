import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { asAnswer, retryAsAnswer } from '../../client-manager/as-answer.ts'
import type { Actor } from '../../contract/actor.ts'
import { ApproveWorkOrder, ReasonBody } from '../../contract/why/approve.ts'
import { ApproveChosen, ApproveChosenResponse } from '../../contract/why/approve-chosen.ts'
import type { EscalationOption } from '../../contract/why/escalation.ts'
import { RetriedWorkOrderResponse, RetryWorkOrder, VerifyWorkOrder } from '../../contract/why/retry.ts'
import { WorkOrderParams, WorkOrderResponse, type WorkOrderView } from '../../contract/work-orders.ts'
import { approveWorkOrder } from '../../db/work-orders/approve-work-order.ts'
import { findWorkOrder, rejectWorkOrder } from '../../db/work-orders/work-orders.ts'
import {
  ANY_FAULT,
  BODY_FAULT,
  CONFLICT,
  json,
  jsonBody,
  NO_SUCH_ORDER,
  NO_SUCH_PROJECT,
  PEER_FAULT,
  UNWORKABLE,
} from '../answers.ts'
import { withTerms } from '../filing/approval-terms.ts'
import { approveChosen } from '../filing/approve-chosen.ts'
import type { HttpEnv } from '../http-env.ts'
import { newRoutes } from '../new-routes.ts'

const tags = ['Work orders']
const ACTED = {
  200: json(WorkOrderResponse, 'The order as it stands now'),
  ...NO_SUCH_ORDER,
  ...CONFLICT,
  ...ANY_FAULT,
}

/** An action in Moose's own database. */
const action = <const Verb extends string>(verb: Verb, operationId: string, summary: string) =>
  createRoute({
    method: 'post',
    path: `/api/work-orders/{id}/${verb}`,
    operationId,
    summary,
    tags,
    request: { params: WorkOrderParams },
    responses: ACTED,
  })

/** An action that the forge takes part in. */
const forgeAction = <const Verb extends string>(verb: Verb, operationId: string, summary: string) =>
  createRoute({
    method: 'post',
    path: `/api/work-orders/{id}/${verb}`,
    operationId,
    summary,
    tags,
    request: { params: WorkOrderParams },
    responses: { ...ACTED, ...UNWORKABLE, ...PEER_FAULT },
  })

const reject = createRoute({
  method: 'post',
  path: '/api/work-orders/{id}/reject',
  operationId: 'rejectWorkOrder',
  summary: 'Turn a pending order down; it becomes cancelled',
  tags,
  request: { params: WorkOrderParams, body: jsonBody(ReasonBody, false) },
  responses: { ...ACTED, ...BODY_FAULT },
})

const approve = createRoute({
  method: 'post',
  path: '/api/work-orders/{id}/approve',
  operationId: 'approveWorkOrder',
  summary: 'Approve the order as it stands; that alone starts the work',
  description:
    'With a body, also allows what of its changes a human has to allow: of the commit that is held (`protected_change`), or ' +
    'before its work begins. When everything that is held is allowed, the attempt goes on and publishes that commit. With ' +
    '`content_sha256` of the order that was looked at, one that was edited since is not approved (`work_order_conflict`).',
  tags,
  request: { params: WorkOrderParams, body: jsonBody(ApproveWorkOrder, false) },
  responses: { ...ACTED, ...BODY_FAULT },
})
const approveMany = createRoute({
  method: 'post',
  path: '/api/work-orders/approve',
  operationId: 'approveWorkOrders',
  summary: 'Choose orders that wait for an approval, and approve those that are confirmed',
  description:
    'Without `confirm` nothing is approved: `chosen` has each with its risk, the most it may cost and what verifies it, and ' +
    '`worst_case_usd` is their sum. The same again with `confirm`, the ids and `content_sha256` of the chosen ones that are meant, ' +
    'approves these as they were answered; one that was edited or is not chosen any more is `refused`, and the others are approved.',
  tags,
  request: { body: jsonBody(ApproveChosen, true) },
  responses: {
    200: json(ApproveChosenResponse, 'What is chosen, and what was approved'),
    ...BODY_FAULT,
    ...NO_SUCH_PROJECT,
    ...ANY_FAULT,
  },
})
const cancel = action('cancel', 'cancelWorkOrder', 'Stop an order for good; a running attempt is ended')
const retry = createRoute({
  method: 'post',
  path: '/api/work-orders/{id}/retry',
  operationId: 'retryWorkOrder',
  summary: 'Make a failed, blocked or cancelled order pending again',
  tags,
  request: { params: WorkOrderParams, body: jsonBody(RetryWorkOrder, false) },
  responses: { ...ACTED, 200: json(RetriedWorkOrderResponse, 'As it is now, and what the retry does'), ...BODY_FAULT },
})
const verify = createRoute({
  method: 'post',
  path: '/api/work-orders/{id}/verify',
  operationId: 'verifyWorkOrder',
  summary: 'Have the checks run on the commit that is there, and that commit published',
  description:
    'Of an order in review: what the branch of its pull request holds now, also where somebody has changed it; where nobody ' +
    'has and the base has moved, with the base merged in. What passes is what a merge then merges. Of one that failed, is blocked ' +
    'or was cancelled: the commit of its last attempt that left one, as `mode: verify_only` of retry. The order becomes pending ' +
    'for an attempt of its own; with no commit, nothing happens (`work_order_conflict`). No model is called, but with `resolve` ' +
    'where git cannot merge the base into the branch.',
  tags,
  request: { params: WorkOrderParams, body: jsonBody(VerifyWorkOrder, false) },
  responses: { ...ACTED, ...BODY_FAULT },
})
const adopt = createRoute({
  method: 'post',
  path: '/api/work-orders/{id}/adopt',
  operationId: 'adoptWorkOrder',
  summary:
    'Give the open pull request back to Moose after another push to its branch, or after it was given up and reopened',
  description:
    'From such a push on, and once it is open again, Moose keeps its hands off it (`hands_off` of the pull request’s `follow_up`). What the branch holds is verified as ' +
    'with verify, and Moose reacts again to what becomes of it.',
  tags,
  request: { params: WorkOrderParams },
  responses: { ...ACTED, 200: json(RetriedWorkOrderResponse, 'As it is now, and what that does') },
})
const merge = forgeAction('merge', 'mergeWorkOrder', 'Merge the open pull request; the order becomes completed')
const close = forgeAction(
  'close',
  'closeWorkOrder',
  'Close the open pull request unmerged; the order becomes cancelled',
)

/** Gives up the order an id or prefix names. */
async function giveUp(c: Context<HttpEnv>, idOrPrefix: string, verb: 'cancel' | 'close'): Promise<WorkOrderView> {
  const { db, orchestrator } = c.var.deps
  const { id } = await findWorkOrder(db, idOrPrefix)
  await answering(c, id, 'abort', (by) => orchestrator[verb](id, by))
  return findWorkOrder(db, id)
}

/** Does what a human wants, and keeps it as the answer to the open escalation of the order. */
function answering<Result>(
  c: Context<HttpEnv>,
  idOrPrefix: string,
  option: EscalationOption,
  act: (by: Actor) => Promise<Result>,
): Promise<Result> {
  const by = c.var.actor
  return asAnswer(c.var.deps.db, { idOrPrefix, option, by }, () => act(by))
}

export const workOrderActionRoutes = newRoutes()
  .openapi(approve, async (c) => {
    // Without a body nothing has filled in what holds then.
    const wish = ApproveWorkOrder.parse(c.req.valid('json'))
    const { db } = c.var.deps
    const { id } = c.req.valid('param')
    const isAllowing = wish.allow_all_protected || wish.allow.length + wish.allow_secrets.length > 0
    const by = isAllowing ? c.var.actor : undefined
    const order = await asAnswer(db, { idOrPrefix: id, option: 'allow', by }, () => approveWorkOrder(db, id, wish))
    const [shown = order] = await withTerms(c.var.deps, [order])
    return c.json({ success: true as const, work_order: shown }, 200)
  })
  .openapi(approveMany, async (c) => {
    return c.json({ success: true as const, ...(await approveChosen(c.var.deps, c.req.valid('json'))) }, 200)
  })
  .openapi(reject, async (c) => {
    const { reason } = c.req.valid('json')
    const { id } = c.req.valid('param')
    const order = await rejectWorkOrder(c.var.deps.db, id, reason === undefined ? null : reason)
    return c.json({ success: true as const, work_order: order }, 200)
  })
  .openapi(cancel, async (c) => {
    return c.json({ success: true as const, work_order: await giveUp(c, c.req.valid('param').id, 'cancel') }, 200)
  })
  .openapi(retry, async (c) => {
    const { db, orchestrator } = c.var.deps
    // Without a body nothing has filled in what holds then.
    const { mode } = RetryWorkOrder.parse(c.req.valid('json'))
    const { id } = await findWorkOrder(db, c.req.valid('param').id)
    const retried =
      mode === 'verify_only'
        ? await answering(c, id, 'verify', (by) => orchestrator.verify(id, by))
        : await retryAsAnswer(c.var.deps, id, { by: c.var.actor, mode })
    return c.json({ success: true as const, work_order: await findWorkOrder(db, id), retried }, 200)
  })
  .openapi(verify, async (c) => {
    const { db, orchestrator } = c.var.deps
    const { id } = await findWorkOrder(db, c.req.valid('param').id)
    // Without a body nothing has filled in what holds then.
    const { resolve } = VerifyWorkOrder.parse(c.req.valid('json'))
    const retried = await answering(c, id, 'verify', (by) => orchestrator.verify(id, by, resolve))
    return c.json({ success: true as const, work_order: await findWorkOrder(db, id), retried }, 200)
  })
  .openapi(adopt, async (c) => {
    const { db, orchestrator } = c.var.deps
    const { id } = await findWorkOrder(db, c.req.valid('param').id)
    const retried = await answering(c, id, 'adopt', (by) => orchestrator.adopt(id, by))
    return c.json({ success: true as const, work_order: await findWorkOrder(db, id), retried }, 200)
  })
  .openapi(merge, async (c) => {
    const { db, orchestrator } = c.var.deps
    const { id } = await findWorkOrder(db, c.req.valid('param').id)
    await orchestrator.merge(id, c.var.actor)
    return c.json({ success: true as const, work_order: await findWorkOrder(db, id) }, 200)
  })
  .openapi(close, async (c) => {
    return c.json({ success: true as const, work_order: await giveUp(c, c.req.valid('param').id, 'close') }, 200)
  })

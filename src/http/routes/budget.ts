import { createRoute } from '@hono/zod-openapi'
import { changeCap } from '../../budget/change-cap.ts'
import { reconcile, settleByHand } from '../../budget/reconcile.ts'
import { readBudget } from '../../budget/summary.ts'
import { BudgetResponse, EmergencyResponse } from '../../contract/budget.ts'
import {
  BillBody,
  CapBody,
  CapResponse,
  type ChangedPrice,
  PriceBody,
  PriceResponse,
  ProposerParams,
  ReconcileResponse,
  ReservationParams,
  SettleBody,
  SettleResponse,
} from '../../contract/budget-changes.ts'
import { setPriceOfProposer } from '../../db/proposer-changes.ts'
import { getProposerConfig } from '../../db/proposer-configs.ts'
import { setEmergencyStop } from '../../db/system-config.ts'
import { priceOf } from '../../models/price.ts'
import { statedUsd } from '../../money.ts'
import { faultOfRow } from '../../orchestrator/malformed-rows.ts'
import {
  ANY_FAULT,
  BODY_FAULT,
  json,
  jsonBody,
  NO_SUCH_CAP,
  NO_SUCH_PROPOSER,
  NO_SUCH_RESERVATION,
  RESERVATION_CONFLICT,
} from '../answers.ts'
import type { HttpDeps } from '../http-deps.ts'
import { newRoutes } from '../new-routes.ts'
import { mergedLately } from '../numbers/merged.ts'
import { costProfileOf, shownPrice } from '../proposer-view.ts'

const tags = ['Budget']

const read = createRoute({
  method: 'get',
  path: '/api/budget',
  operationId: 'getBudget',
  summary: 'What was spent, what is reserved, which caps there are, and what waits',
  tags,
  responses: { 200: json(BudgetResponse, 'As of one moment'), ...ANY_FAULT },
})

const cap = createRoute({
  method: 'put',
  path: '/api/budget/caps',
  operationId: 'setCap',
  summary: 'Set or remove a cap; it counts from the next call on',
  tags,
  request: { body: jsonBody(CapBody, true) },
  responses: { 200: json(CapResponse, 'Changed'), ...BODY_FAULT, ...NO_SUCH_CAP, ...ANY_FAULT },
})

const emergency = <const Verb extends 'stop' | 'resume'>(verb: Verb, operationId: string, summary: string) =>
  createRoute({
    method: 'post',
    path: `/api/budget/${verb}`,
    operationId,
    summary,
    tags,
    responses: { 200: json(EmergencyResponse, 'How it stands now'), ...ANY_FAULT },
  })
const stop = emergency('stop', 'stopSpending', 'Stop every call to a model now, running ones included')
const resume = emergency('resume', 'resumeSpending', 'Allow model calls again')

const settle = createRoute({
  method: 'post',
  path: '/api/budget/reservations/{reservation_id}/settle',
  operationId: 'settleReservation',
  summary: 'Settle a call whose charge is unknown',
  tags,
  request: { params: ReservationParams, body: jsonBody(SettleBody, true) },
  responses: {
    200: json(SettleResponse, 'Booked'),
    ...BODY_FAULT,
    ...NO_SUCH_RESERVATION,
    ...RESERVATION_CONFLICT,
    ...ANY_FAULT,
  },
})

const reconcileBill = createRoute({
  method: 'post',
  path: '/api/budget/reconcile',
  operationId: 'reconcileBill',
  summary: 'Compare the ledger with a bill of a provider, and book what was unresolved',
  tags,
  request: { body: jsonBody(BillBody, true) },
  responses: { 200: json(ReconcileResponse, 'What came of it'), ...BODY_FAULT, ...RESERVATION_CONFLICT, ...ANY_FAULT },
})

const price = createRoute({
  method: 'put',
  path: '/api/proposers/{name}/price',
  operationId: 'setPrice',
  summary: 'State what a proposer costs, or that the price library knows it',
  tags,
  request: { params: ProposerParams, body: jsonBody(PriceBody, true) },
  responses: { 200: json(PriceResponse, 'The price from now on'), ...BODY_FAULT, ...NO_SUCH_PROPOSER, ...ANY_FAULT },
})

export const budgetRoutes = newRoutes()
  .openapi(read, async (c) => {
    const { db } = c.var.deps
    return c.json({ success: true as const, budget: await readBudget(db), merged_by: await mergedLately(db) }, 200)
  })
  .openapi(cap, async (c) => {
    const { db } = c.var.deps
    const changed = await changeCap(db, c.req.valid('json'))
    return c.json({ success: true as const, cap: changed, budget: await readBudget(db) }, 200)
  })
  .openapi(stop, async (c) => {
    const { db } = c.var.deps
    await setEmergencyStop(db, true)
    return c.json(await budgetAfter(db), 200)
  })
  .openapi(resume, async (c) => {
    const { db } = c.var.deps
    await setEmergencyStop(db, false)
    return c.json(await budgetAfter(db), 200)
  })
  .openapi(settle, async (c) => {
    const cost = statedUsd(c.req.valid('json').cost_usd)
    const settled = await settleByHand(c.var.deps.db, c.req.valid('param').reservation_id, cost)
    return c.json({ success: true as const, settled }, 200)
  })
  .openapi(reconcileBill, async (c) => {
    const result = await reconcile(c.var.deps.db, c.req.valid('json'))
    return c.json({ success: true as const, ...result }, 200)
  })
  .openapi(price, async (c) => {
    const result = await setPrice(c.var.deps, c.req.valid('param').name, c.req.valid('json'))
    return c.json({ success: true as const, ...result }, 200)
  })

/** What was switched is switched, also where the limits cannot be read. */
async function budgetAfter(db: HttpDeps['db']): Promise<EmergencyResponse> {
  try {
    return { success: true, budget: await readBudget(db) }
  } catch (error) {
    return { success: true, budget: null, problem: faultOfRow(error).message }
  }
}

/** Changes nothing where the price would make the row unreadable. @throws {Fault} `not_found` for an unknown proposer */
async function setPrice(
  { db, clock }: Pick<HttpDeps, 'db' | 'clock'>,
  name: string,
  price: PriceBody,
): Promise<ChangedPrice> {
  const proposer = await db.transaction().execute(async (transaction) => {
    await setPriceOfProposer(transaction, name, costProfileOf(price))
    return getProposerConfig(transaction, name)
  })
  return { proposer: name, price: shownPrice(priceOf(proposer, clock.now())) }
}

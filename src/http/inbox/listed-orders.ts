import { LANES, type LanesQuery, type LaneView, type ListQuery } from '../../contract/order-list.ts'
import type { ListedWorkOrder } from '../../contract/work-orders.ts'
import { replayedOrders } from '../../db/attempts/attempt-history.ts'
import { findProjectByName } from '../../db/projects.ts'
import { countOrders, type ListedRow, listWorkOrders } from '../../db/work-orders/list-work-orders.ts'
import { resumedByRetry } from '../../orchestrator/resumed-by-retry.ts'
import { atPullOf } from '../../orchestrator/why/facts.ts'
import type { ExplainedOrder } from '../../orchestrator/why/read-why.ts'
import { type OrderState, orderState } from '../../work-order/order-state.ts'
import type { HttpDeps } from '../http-deps.ts'

type Deps = Pick<HttpDeps, 'db' | 'orchestrator'>

/** A listed order beside the whole answer about it. */
export type ListedOrder = { listed: ListedWorkOrder; explained: ExplainedOrder }

/** What a list is asked for: a page of it, and with `totals` how many fit in each state. */
export type ListedPage = { orders: ListedOrder[]; next_cursor: string | null; totals?: Record<OrderState, number> }

/**
 * A page of the orders that fit, with why each stands where it stands; in a number of queries that does not grow with them. One
 * that was deleted meanwhile is left out. Without `sort` the newest, oldest first.
 *
 * @throws {Fault} `not_found` for an unknown project; `request_invalid` for a cursor of another list
 */
export async function listedOrders({ db, orchestrator }: Deps, query: ListQuery): Promise<ListedPage> {
  const { status, state, project, q, sort, reverse, cursor, until, limit, totals } = query
  if (project !== undefined) await findProjectByName(db, project)
  const filter = { status, project, q }
  const reading = { sort: sort === undefined ? ('created' as const) : sort, reverse: reverse === 'true' }
  const states = state === undefined ? undefined : [state]
  const page = { reading, cursor, until, limit }
  const { orders, next } = await listWorkOrders(db, { ...filter, states }, page)
  const listed = await withAnswers({ db, orchestrator }, orders)
  return {
    orders: sort === undefined && reverse !== 'true' ? listed.toReversed() : listed,
    next_cursor: next,
    ...(totals === 'true' ? { totals: await countOrders(db, filter) } : {}),
  }
}

/** The newest orders of each of these states, at most so many of each, oldest first; otherwise as `listedOrders`. */
export async function ordersInStates(
  deps: Deps,
  states: readonly OrderState[],
  mostOfEach: number,
): Promise<ListedOrder[]> {
  const found: ListedRow[] = []
  const page = { reading: { sort: 'created', reverse: false }, limit: mostOfEach } as const
  for (const state of states) {
    const { orders } = await listWorkOrders(deps.db, { states: [state] }, page)
    found.push(...orders.toReversed())
  }
  return withAnswers(deps, found)
}

/**
 * The lanes of the orders that fit, in the order of `LANES`: of each those that changed last, and how many there are.
 *
 * @throws {Fault} `not_found` for an unknown project
 */
export async function lanesOf({ db, orchestrator }: Deps, { project, q, limit }: LanesQuery): Promise<LaneView[]> {
  if (project !== undefined) await findProjectByName(db, project)
  const totals = await countOrders(db, { project, q })
  const page = { reading: { sort: 'updated', reverse: false }, limit } as const
  const found: ListedRow[] = []
  for (const { states } of LANES) found.push(...(await listWorkOrders(db, { states, project, q }, page)).orders)
  const listed = (await withAnswers({ db, orchestrator }, found)).map((order) => order.listed)
  return LANES.map(({ lane, states }) => ({
    lane,
    states: [...states],
    total: states.reduce((sum, state) => sum + totals[state], 0),
    work_orders: listed.filter(({ state }) => states.some((own) => own === state)),
  }))
}

async function withAnswers({ db, orchestrator }: Deps, orders: readonly ListedRow[]): Promise<ListedOrder[]> {
  const ids = orders.map(({ id }) => id)
  const replayed = await replayedOrders(db, ids)
  const answers = await orchestrator.explain(ids)
  const resumes = await resumedByRetry(db, orders)
  return orders.flatMap((order) => {
    const explained = answers.get(order.id)
    if (explained === undefined) return []
    const { kind, short, code, orders: others, until } = explained.why
    const why = { kind, short: short.slice(0, LONGEST_SHORT), code, orders: others, until }
    const { attempt } = explained.order
    const running_since = attempt?.status === 'running' ? attempt.claimedAt.toISOString() : null
    const derived = {
      ...shownAtPull(explained.order),
      replayed: replayed.has(order.id),
      state: orderState(order),
      why,
      running_since,
      ...resumes(order),
    }
    return [{ listed: { ...order, ...derived }, explained }]
  })
}

/** With what is being done about its open pull request, where that is why it is not in review. */
export function shownAtPull(order: ExplainedOrder['order']) {
  const at = atPullOf(order)
  return at === null ? {} : { at_pull_request: at }
}

/** Characters of the short answer in a list; `GET /api/work-orders/{id}/why` has all of it. */
const LONGEST_SHORT = 500

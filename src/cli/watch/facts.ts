import { type OrchestratorStatus, OrchestratorStatusResponse } from '../../contract/orchestrator.ts'
import { ListedWorkOrdersResponse } from '../../contract/order-list.ts'
import { type InboxEntry, InboxResponse } from '../../contract/why/inbox.ts'
import type { ListedWorkOrder } from '../../contract/work-orders.ts'
import type { OrderState } from '../../work-order/order-state.ts'
import type { ApiClient } from '../client/api-client.ts'

/** What a look at the API gives. */
export type Facts = {
  status: OrchestratorStatus
  /** What waits for a human, the most urgent first. */
  inbox: readonly InboxEntry[]
  /** Orders that the inbox does not look at because there are too many. */
  leftOut: number
  /** Orders of the states in `LISTED`, in their order. */
  orders: readonly ListedWorkOrder[]
}

/** Which orders are listed beside the inbox, and how many of a state at most: the newest. */
const LISTED: readonly (readonly [state: OrderState, most: number])[] = [
  ['running', 100],
  ['waiting', 100],
  ['blocked', 100],
  ['review', 100],
  ['completed', 20],
  ['cancelled', 5],
]

/** @throws {Fault} as `ApiClient.call` */
export async function readFacts(api: ApiClient, signal: AbortSignal): Promise<Facts> {
  const look = { method: 'GET', signal } as const
  const [{ status }, { inbox, left_out: leftOut }, ...lists] = await Promise.all([
    api.call({ ...look, path: '/api/orchestrator', answer: OrchestratorStatusResponse }),
    api.call({ ...look, path: '/api/inbox', answer: InboxResponse }),
    ...LISTED.map(([state, most]) =>
      api.call({ ...look, path: `/api/work-orders?state=${state}&limit=${most}`, answer: ListedWorkOrdersResponse }),
    ),
  ])
  return { status, inbox, leftOut, orders: lists.flatMap(({ work_orders }) => work_orders) }
}

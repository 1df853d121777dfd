import type { Kysely } from 'kysely'
import { readOrderBudget } from '../budget/spent-by.ts'
import type { WorkOrderDetail } from '../contract/work-orders.ts'
import { attemptHistory } from '../db/attempts/attempt-history.ts'
import { findPullRequestOfAttempt, pullRequestsInBrief } from '../db/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { findWorkOrder } from '../db/work-orders/work-orders.ts'
import { standsOn } from '../work-order/standing.ts'

/**
 * A work order with its budget, its attempts and the pull request it stands on; without one, its latest.
 *
 * @param idOrPrefix the id, or a unique prefix of at least four characters
 * @throws {Fault} `work_order_not_found`
 */
export async function workOrderDetail(db: Kysely<Database>, idOrPrefix: string): Promise<WorkOrderDetail> {
  const order = await findWorkOrder(db, idOrPrefix)
  const pulls = await pullRequestsInBrief(db, order.id)
  const standing = standsOn(order, pulls)
  const shown = standing === null ? pulls.at(-1) : standing
  const key = shown === undefined ? null : { workOrderId: order.id, attempt: shown.attempt }
  const pullRequest = key === null ? null : await findPullRequestOfAttempt(db, key)
  return {
    ...order,
    budget: await readOrderBudget(db, order.id),
    attempt_history: await attemptHistory(db, order.id),
    pull_request: pullRequest,
  }
}

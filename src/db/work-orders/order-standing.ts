import type { ExpressionBuilder, Kysely } from 'kysely'
import { localPullRequestUrl } from '../../work-order/naming.ts'
import { type OrderFacts, standsOn } from '../../work-order/standing.ts'
import type { Phase, Status } from '../../work-order/status.ts'
import { type PullRequestBrief, pullRequestsInBrief } from '../pull-requests/pull-requests.ts'
import type { Database } from '../schema.ts'
import { isSuspended } from './suspended-orders.ts'

type Db = Kysely<Database>

/** An order beside its pull requests. */
export type OrderStanding = OrderFacts & {
  id: string
  status: Status
  phase: Phase | null
  /** The last one's number. */
  attempts: number
  /** An attempt of it runs, or is suspended and will be resumed. */
  isUnderWay: boolean
  /** By attempt. */
  pulls: PullRequestBrief[]
}

/** Until the transaction ends, the order and its pull requests stand where this says. */
export async function lockOrderStanding(transaction: Db, workOrderId: string): Promise<OrderStanding> {
  // A statement that waited for the lock may have read the rest before it was free.
  await transaction.selectFrom('work_orders').select('id').where('id', '=', workOrderId).forNoKeyUpdate().execute()
  const { is_under_way: isUnderWay, ...order } = await transaction
    .selectFrom('work_orders')
    .select(['id', 'status', 'phase', 'attempts', 'github_pr_number', 'github_pr_url'])
    .select((eb) => isUnderWayOf(eb).as('is_under_way'))
    .where('id', '=', workOrderId)
    .executeTakeFirstOrThrow()
  return { ...order, isUnderWay: isUnderWay === true, pulls: await pullRequestsInBrief(transaction, workOrderId) }
}

/**
 * For a query on `work_orders`: whether an attempt of the order runs, or is suspended and will be resumed. A cancelled attempt
 * may still have to stop; a suspended one is resumed only while its order waits for that.
 */
export function isUnderWayOf({ exists, selectFrom, and, or, eb }: ExpressionBuilder<Database, 'work_orders'>) {
  const ofOrder = selectFrom('attempts').select('number').whereRef('attempts.work_order_id', '=', 'work_orders.id')
  return or([
    exists(ofOrder.where('attempts.status', '=', 'running')),
    and([
      eb('work_orders.status', 'in', ['blocked', 'pending']),
      exists(ofOrder.whereRef('attempts.number', '=', 'work_orders.attempts').where(isSuspended)),
    ]),
  ])
}

/** Has the order be the one of this pull request, whichever attempt's that is. */
export async function pointAtPullRequest(transaction: Db, order: OrderStanding, pull: PullRequestBrief): Promise<void> {
  if (standsOn(order, order.pulls)?.attempt === pull.attempt) return
  const { name } = await transaction
    .selectFrom('projects')
    .select('name')
    .where('id', '=', pull.project_id)
    .executeTakeFirstOrThrow()
  const url = pull.url === null ? localPullRequestUrl(name, pull.number) : pull.url
  await transaction
    .updateTable('work_orders')
    .set({ github_branch: pull.branch, github_pr_url: url, github_pr_number: pull.number })
    .where('id', '=', order.id)
    .execute()
}

import type { Kysely } from 'kysely'
import { PIPELINE_REVISION } from '../attempt/pipeline-revision.ts'
import type { Database } from '../db/schema.ts'
import { resumableOrders } from '../db/work-orders/suspended-orders.ts'
import type { Status } from '../work-order/status.ts'

/** Says of orders whether a retry resumes their last attempt; of one that is not blocked nothing. */
export type ResumedByRetry = (order: { id: string; status: Status }) => { resumes?: boolean }

/** As it is now, in at most one query for all of them. */
export async function resumedByRetry(
  db: Kysely<Database>,
  orders: readonly { id: string; status: Status }[],
): Promise<ResumedByRetry> {
  const blocked = orders.filter(({ status }) => status === 'blocked').map(({ id }) => id)
  const resumable = await resumableOrders(db, blocked, { revision: PIPELINE_REVISION })
  const ids = new Set(resumable.map(({ id }) => id))
  return ({ id, status }) => (status === 'blocked' ? { resumes: ids.has(id) } : {})
}

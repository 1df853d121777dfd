import { type Kysely, sql } from 'kysely'
import type { AttemptKey } from '../attempts/attempts.ts'
import type { Database } from '../schema.ts'

/**
 * For a query with `work_orders`: a Director has approved the order. The words of the specification's query, and those of
 * the triggers, the index and the policies in `migrations/`: JSON's `true` or the text `"true"`, which hand-written SQL
 * often has, and nothing else.
 */
export const IS_APPROVED = sql<boolean>`work_orders.metadata ->> 'approved_by_director' = 'true'`

/** The same of metadata that was read; rows from before the check on the column may hold any JSON. */
export function isApproved(metadata: unknown): boolean {
  if (typeof metadata !== 'object' || metadata === null || !('approved_by_director' in metadata)) return false
  return metadata.approved_by_director === true || metadata.approved_by_director === 'true'
}

/** For a query with `work_orders`: the order ended so many days ago, and nothing has happened to it since. */
export const overFor = (days: number) => sql<boolean>`(
  work_orders.status in ('completed', 'failed', 'cancelled')
  and coalesce(work_orders.updated_at, work_orders.created_at) < moose_now() - make_interval(days => ${days})
)`

/** Approved, and with the content the attempt began with: one edited and approved anew needs a new attempt. */
export async function isStillApproved(db: Kysely<Database>, { workOrderId, attempt }: AttemptKey): Promise<boolean> {
  const row = await db
    .selectFrom('work_orders')
    .innerJoin('attempts', 'attempts.work_order_id', 'work_orders.id')
    .select('work_orders.id')
    .where(IS_APPROVED)
    .where(sql<boolean>`moose_order_content(work_orders) = attempts.content`)
    .where('work_orders.id', '=', workOrderId)
    .where('work_orders.status', '=', 'in_progress')
    .where('attempts.number', '=', attempt)
    .executeTakeFirst()
  return row !== undefined
}

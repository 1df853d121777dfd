import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'

/** Which of some orders have a last attempt whose change came from a recording instead of a model. */
export async function replayedOrders(db: Kysely<Database>, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db
    .selectFrom('work_orders')
    .innerJoin('attempt_steps', (join) =>
      join
        .onRef('attempt_steps.work_order_id', '=', 'work_orders.id')
        .onRef('attempt_steps.attempt', '=', 'work_orders.attempts'),
    )
    .select('work_orders.id')
    .where('work_orders.id', 'in', ids)
    .where('attempt_steps.name', '=', 'propose')
    .where(sql<boolean>`attempt_steps.output -> 'response' ->> 'replayed' = 'true'`)
    .execute()
  return new Set(rows.map(({ id }) => id))
}

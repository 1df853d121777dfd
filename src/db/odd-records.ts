import { type Kysely, sql } from 'kysely'
import { Usd } from '../money.ts'
import type { Database } from './schema.ts'

type Db = Kysely<Database>

/** What a living process sees and ends by itself is over within this time. */
const BY_ITSELF = '10 minutes'

/** Calls of which nobody knows whether they were charged, and the USD held for them. */
export async function heldReservations(db: Db): Promise<{ calls: number; held: Usd }> {
  const row = await db
    .selectFrom('budget_open_reservations')
    .select(({ fn, lit }) => [
      fn.countAll<string>().as('calls'),
      fn.coalesce(fn.sum<string>('amount_usd'), lit(0)).as('usd'),
    ])
    .where('unresolved', '=', true)
    .executeTakeFirstOrThrow()
  return { calls: Number(row.calls), held: new Usd(row.usd) }
}

/**
 * Orders that stand in an attempt which no living process runs: its process has been gone for ten minutes and nobody has
 * taken it over, or its record is gone. Their ids, oldest first.
 */
export async function ordersNobodyRuns(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select work_orders.id from work_orders
    left join attempts on attempts.work_order_id = work_orders.id and attempts.status = 'running'
    left join workers on workers.executor_id = attempts.executor_id
    where work_orders.status = 'in_progress' and work_orders.phase <> 'in_review'
      and coalesce(attempts.claimed_at, work_orders.updated_at, work_orders.created_at) < ${BY_ITSELF_AGO}
      and (workers.lease_until is null or workers.lease_until < ${BY_ITSELF_AGO})
    order by work_orders.created_at, work_orders.id
  `.execute(db)
  return rows.map(({ id }) => id)
}

const BY_ITSELF_AGO = sql`moose_now() - ${BY_ITSELF}::interval`

import { type Kysely, sql } from 'kysely'
import type { Database } from './schema.ts'

/**
 * Has calls say what they have cost that were settled after they had ended, with the costs of their attempts and orders.
 * A call whose process was killed has no row before. To be called in the transaction that settles them.
 */
export async function priceSettledCalls(db: Kysely<Database>, reservationIds: readonly string[]): Promise<void> {
  if (reservationIds.length === 0) return
  await sql`
    insert into model_calls
      (reservation_id, work_order_id, attempt, proposer, provider, model, cost_usd, duration_ms, started_at)
    select reservation_id, work_orders.id, attempt, proposer, provider, model, settled.cost_usd, 0, reserved.at
    from budget_entries as settled
    join (select reservation_id, at from budget_entries where kind = 'reserved') as reserved using (reservation_id)
    left join work_orders on work_orders.id = settled.work_order_id
    where settled.kind = 'settled' and reservation_id = any(${reservationIds}::uuid[])
    on conflict (reservation_id) do update set cost_usd = excluded.cost_usd where model_calls.cost_usd is null
  `.execute(db)
  const payers = sql`select distinct work_order_id, attempt from model_calls where reservation_id = any(${reservationIds}::uuid[])`
  await sql`
    update attempts set cost_usd = (
      select coalesce(sum(moose_usd(cost_usd)), 0) from model_calls as call
      where call.work_order_id = attempts.work_order_id and call.attempt = attempts.number
    )
    where (work_order_id, number) in (${payers})
  `.execute(db)
  await sql`
    update work_orders set actual_cost = (select sum(moose_usd(cost_usd)) from attempts where work_order_id = work_orders.id)
    where id in (select work_order_id from (${payers}) as payers)
  `.execute(db)
}

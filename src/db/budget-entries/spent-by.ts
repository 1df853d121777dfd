import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'
import { COUNTS, type Sums, sumsOf } from './counted-entries.ts'

type Db = Kysely<Database>

const MOST_ORDERS = 20
/** Characters; longer ones were written with plain SQL. */
const LONGEST_TITLE = 200

/** `project` null: of no project, or of one that is gone. */
export type ProjectSums = Sums & { project: string | null; project_id: string | null; cap: string | null }

/** Of a month, the dearest first; with the projects that have a cap of their own. */
export async function sumsByProject(db: Db, month: string): Promise<ProjectSums[]> {
  const { rows } = await sql<ProjectSums>`
    with sums as (
      select project_id, ${sumsOf()} from budget_entries as entry where month = ${month} and ${COUNTS} group by project_id
    )
    select projects.name as project, sums.project_id, projects.budget_usd as cap,
      coalesce(spent, 0) as spent, coalesce(reserved, 0) as reserved
    from sums full join projects on projects.id = sums.project_id
    where sums.total is not null or projects.budget_usd is not null
    order by coalesce(sums.total, 0) desc, projects.name
  `.execute(db)
  return rows
}

/** Counts as texts. */
export type ModelSums = Sums &
  Record<'proposer' | 'provider' | 'model' | 'calls' | 'input_tokens' | 'output_tokens', string>

/** Of a month, the dearest first. */
export async function sumsByModel(db: Db, month: string): Promise<ModelSums[]> {
  const { rows } = await sql<ModelSums>`
    with
      sums as (
        select proposer, provider, model, count(*) filter (where kind = 'reserved') as calls, ${sumsOf()}
        from budget_entries as entry where month = ${month} and ${COUNTS} group by proposer, provider, model
      ),
      tokens as (
        select entry.proposer, entry.provider, entry.model,
          sum(call.input_tokens) as input_tokens, sum(call.output_tokens) as output_tokens
        from budget_entries as entry join model_calls as call on call.reservation_id = entry.reservation_id
        where entry.month = ${month} and entry.kind = 'reserved' group by entry.proposer, entry.provider, entry.model
      )
    select sums.*, coalesce(input_tokens, 0) as input_tokens, coalesce(output_tokens, 0) as output_tokens
    from sums left join tokens using (proposer, provider, model)
    order by sums.total desc, proposer, model
  `.execute(db)
  return rows
}

/** `title` and `status` null: the order was deleted. */
export type DearestOrder = Sums & { id: string; title: string | null; status: string | null; cap: string | null }

/** The dearest of those that cost something in a month, with all they ever cost. */
export async function dearestOrders(db: Db, month: string): Promise<DearestOrder[]> {
  const { rows } = await sql<DearestOrder>`
    with sums as (
      select work_order_id as id, ${sumsOf()} from budget_entries as entry
      where work_order_id in (select work_order_id from budget_entries where month = ${month}) and ${COUNTS}
      group by work_order_id having sum(amount_usd) > 0
    )
    select sums.id, left(title, ${LONGEST_TITLE}) as title, status, budget_usd as cap, spent, reserved
    from sums left join work_orders on work_orders.id = sums.id
    order by sums.total desc, sums.id limit ${MOST_ORDERS}
  `.execute(db)
  return rows
}

/** All that one order has ever cost; `unresolved` is the part of `reserved` whose charge is unknown. */
export async function sumsOfOrder(
  db: Db,
  workOrderId: string,
): Promise<Sums & { cap: string | null; unresolved: string }> {
  const { rows } = await sql<Sums & { cap: string | null; unresolved: string }>`
    with
      unresolved as (
        select coalesce(sum(amount_usd), 0) as amount from budget_open_reservations
        where unresolved and work_order_id = ${workOrderId}
      ),
      sums as (select ${sumsOf()} from budget_entries as entry where work_order_id = ${workOrderId} and ${COUNTS})
    select spent, reserved, unresolved.amount as unresolved,
      (select budget_usd from work_orders where id = ${workOrderId}) as cap
    from sums, unresolved
  `.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('the sums of an order are one row')
  return row
}

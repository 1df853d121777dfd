import { type Kysely, sql } from 'kysely'
import type { BudgetView, OrderBudget } from '../contract/budget.ts'
import type { Database } from '../db/schema.ts'
import { decimal } from '../db/work-orders/work-order-view.ts'
import { toFault } from '../faults/fault.ts'
import { readBudgetRules } from './limits.ts'
import { shownCap } from './periods.ts'
import { COUNTS } from './soundness.ts'

type Db = Kysely<Database>
type SumRow = { spent: string; reserved: string }

const MOST_ORDERS = 20
/** Characters; longer ones were written with plain SQL. */
const LONGEST_TITLE = 200

/** What entries add up to; sums are made in the database, where they are exact. */
const SUMS = sql`
  sum(amount_usd) as total, coalesce(sum(cost_usd), 0) as spent, sum(amount_usd) - coalesce(sum(cost_usd), 0) as reserved
`

function shown({ spent, reserved }: SumRow): { spent_usd: number; reserved_usd: number } {
  return { spent_usd: Number(spent), reserved_usd: Number(reserved) }
}

/** @param usualCap of a month, for projects without a cap of their own */
export async function spentByProject(db: Db, month: string, usualCap: number | null): Promise<BudgetView['projects']> {
  const { rows } = await sql<SumRow & { project: string | null; project_id: string | null; cap: string | null }>`
    with sums as (
      select project_id, ${SUMS} from budget_entries as entry where month = ${month} and ${COUNTS} group by project_id
    )
    select projects.name as project, sums.project_id, projects.budget_usd as cap,
      coalesce(spent, 0) as spent, coalesce(reserved, 0) as reserved
    from sums full join projects on projects.id = sums.project_id
    where sums.total is not null or projects.budget_usd is not null
    order by coalesce(sums.total, 0) desc, projects.name
  `.execute(db)
  return rows.map((row) => {
    const own = row.project === null ? null : decimal(row.cap)
    return { project: row.project, ...shown(row), cap_usd: own === null && row.project !== null ? usualCap : own }
  })
}

export async function spentByModel(db: Db, month: string): Promise<BudgetView['models']> {
  type Row = SumRow & Record<'proposer' | 'provider' | 'model' | 'calls' | 'input_tokens' | 'output_tokens', string>
  const { rows } = await sql<Row>`
    with
      sums as (
        select proposer, provider, model, count(*) filter (where kind = 'reserved') as calls, ${SUMS}
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
  return rows.map((row) => ({
    proposer: row.proposer,
    provider: row.provider,
    model: row.model,
    calls: Number(row.calls),
    input_tokens: Number(row.input_tokens),
    output_tokens: Number(row.output_tokens),
    ...shown(row),
  }))
}

/** The dearest of those that cost something this month, with all they ever cost. @param usualCap of an order */
export async function spentByOrder(db: Db, month: string, usualCap: number | null): Promise<BudgetView['orders']> {
  type Row = SumRow & { id: string; title: string | null; status: string | null; cap: string | null }
  const { rows } = await sql<Row>`
    with sums as (
      select work_order_id as id, ${SUMS} from budget_entries as entry
      where work_order_id in (select work_order_id from budget_entries where month = ${month}) and ${COUNTS}
      group by work_order_id having sum(amount_usd) > 0
    )
    select sums.id, left(title, ${LONGEST_TITLE}) as title, status, budget_usd as cap, spent, reserved
    from sums left join work_orders on work_orders.id = sums.id
    order by sums.total desc, sums.id limit ${MOST_ORDERS}
  `.execute(db)
  return rows.map(({ id, title, status, cap, ...sums }) => {
    const own = decimal(cap)
    return { id, title, status, ...shown(sums), cap_usd: own === null && title !== null ? usualCap : own }
  })
}

/** What one order has cost ever. Limits nobody can read must not hide the order. */
export async function readOrderBudget(db: Db, workOrderId: string): Promise<OrderBudget> {
  const { rows } = await sql<SumRow & { cap: string | null; unresolved: string }>`
    with
      unresolved as (
        select coalesce(sum(amount_usd), 0) as amount from budget_open_reservations
        where unresolved and work_order_id = ${workOrderId}
      ),
      sums as (select ${SUMS} from budget_entries as entry where work_order_id = ${workOrderId} and ${COUNTS})
    select coalesce(spent, 0) as spent, coalesce(reserved, 0) as reserved, unresolved.amount as unresolved,
      (select budget_usd from work_orders where id = ${workOrderId}) as cap
    from sums, unresolved
  `.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('the sums of an order are one row')
  const own = decimal(row.cap)
  return {
    cap_usd: own === null ? await usualOrderCap(db) : own,
    ...shown(row),
    unresolved_usd: Number(row.unresolved),
  }
}

async function usualOrderCap(db: Db): Promise<number | null> {
  try {
    return shownCap((await readBudgetRules(db)).limits.order_cap)
  } catch (error) {
    if (toFault(error).code === 'config_invalid') return null
    throw error
  }
}

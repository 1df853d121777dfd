import { type Kysely, sql } from 'kysely'
import type { Database } from '../db/schema.ts'
import { Usd } from '../money.ts'
import type { BudgetLimits, BudgetRules } from './limits.ts'
import { assertSound, COUNTS, FIRST_DISPUTED } from './soundness.ts'

/** Who a call is paid for; both null for a caller without an order. */
export type Payer = { workOrderId: string | null; attempt: number | null }

/** A try of a model call, as the ledger knows it. */
export type PaidCall = Payer & { proposer: string; provider: string; model: string }

export type Scope = 'order' | 'project' | 'day' | 'month' | 'emergency_kill'

/** One cap that a call of this payer counts against. */
export type Ceiling = {
  scope: Scope
  /** The project's name, the order's id, the day or the month; for people. */
  of: string
  cap: Usd
  spent: Usd
  /** Of calls under way, and of those nobody knows the cost of. */
  reserved: Usd
}

/** The caps of a payer, and every sum that counts against one of them, as decimals. */
export type Totals = {
  day: string
  month: string
  project: string | null
  order_cap: string | null
  project_cap: string | null
} & Record<`${'day' | 'month' | 'order' | 'project'}_${'spent' | 'total'}`, string>

/** What is left below a ceiling; negative when it was lowered, or a provider charged more than it should. */
export function leftBelow({ cap, spent, reserved }: Ceiling): Usd {
  return cap.minus(spent).minus(reserved)
}

/**
 * Every ceiling above a payer, in the order in which a refusal names them. Day and month are those of UTC.
 *
 * @throws {Fault} `ledger_unsound`
 */
export async function ceilingsOf(
  db: Kysely<Database>,
  { limits }: BudgetRules,
  payer: Payer,
): Promise<{ ceilings: Ceiling[]; day: string; month: string }> {
  const { first_disputed, ...totals } = await readTotals(db, payer)
  assertSound(first_disputed)
  return { ceilings: ceilingsFrom(limits, payer.workOrderId, totals), day: totals.day, month: totals.month }
}

/** The same by sums that were read already. */
export function ceilingsFrom(limits: BudgetLimits, workOrderId: string | null, totals: Totals): Ceiling[] {
  const one = (scope: Scope, of: string | null, cap: Usd | null, sums: 'day' | 'month' | 'order' | 'project') => {
    if (cap === null || of === null) return []
    const spent = new Usd(totals[`${sums}_spent`])
    return [{ scope, of, cap, spent, reserved: new Usd(totals[`${sums}_total`]).minus(spent) }]
  }
  return [
    ...one('order', workOrderId, own(totals.order_cap, limits.order_cap), 'order'),
    ...one('project', totals.project, own(totals.project_cap, limits.project_monthly_cap), 'project'),
    ...one('day', totals.day, limits.daily_hard_cap, 'day'),
    ...one('month', totals.month, limits.monthly_hard_cap, 'month'),
    ...one('emergency_kill', totals.day, limits.emergency_kill, 'day'),
  ]
}

function own(stated: string | null, usual: Usd | null): Usd | null {
  return stated === null ? usual : new Usd(stated)
}

/** One look at all sums, so that they belong together. */
async function readTotals(
  db: Kysely<Database>,
  { workOrderId, attempt }: Payer,
): Promise<Totals & { first_disputed: string | null }> {
  const { rows } = await sql<Totals & { first_disputed: string | null }>`
    with
      today as (select (moose_now() at time zone 'utc')::date as day),
      calendar as (select day, date_trunc('month', day)::date as month from today),
      payer as (
        select projects.id as project_id, projects.name, projects.budget_usd as project_cap, orders.budget_usd as order_cap
        from (select 1) as one
        left join work_orders as orders on orders.id = ${workOrderId}
        left join attempts on attempts.work_order_id = orders.id and attempts.number = ${attempt}
        left join projects on projects.id = coalesce(attempts.project_id, orders.project_id)
      ),
      months as (
        select
          coalesce(sum(amount_usd), 0) as month_total,
          coalesce(sum(cost_usd), 0) as month_spent,
          coalesce(sum(amount_usd) filter (where entry.day = calendar.day), 0) as day_total,
          coalesce(sum(cost_usd) filter (where entry.day = calendar.day), 0) as day_spent,
          coalesce(sum(amount_usd) filter (where entry.project_id = payer.project_id), 0) as project_total,
          coalesce(sum(cost_usd) filter (where entry.project_id = payer.project_id), 0) as project_spent
        from calendar cross join payer
        left join budget_entries as entry on entry.month = calendar.month and ${COUNTS}
      ),
      orders as (
        select coalesce(sum(amount_usd), 0) as order_total, coalesce(sum(cost_usd), 0) as order_spent
        from budget_entries as entry where work_order_id = ${workOrderId} and ${COUNTS}
      )
    select calendar.day::text as day, calendar.month::text as month, payer.name as project,
      payer.order_cap, payer.project_cap, months.*, orders.*, ${FIRST_DISPUTED} as first_disputed
    from calendar, payer, months, orders
  `.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('the sums of the ledger are one row')
  return row
}

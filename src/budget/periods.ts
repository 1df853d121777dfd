import { type Kysely, sql } from 'kysely'
import type { BudgetLine, BudgetPeriod } from '../contract/budget.ts'
import type { Database } from '../db/schema.ts'
import { NO_USD, Usd } from '../money.ts'
import { whyStopped } from './emergency.ts'
import { type BudgetLimits, readBudgetRules } from './limits.ts'
import { COUNTS, countDisputed } from './soundness.ts'

type Db = Kysely<Database>

/** By the database's clock; `day` and `month` as the ledger books them, `YYYY-MM-DD`, in UTC. */
export type Calendar = { at: Date; day: string; month: string }

export async function readCalendar(db: Db): Promise<Calendar> {
  const { rows } = await sql<Calendar>`
    with clock as (select moose_now() as at)
    select at, (at at time zone 'utc')::date::text as day, date_trunc('month', at at time zone 'utc')::date::text as month
    from clock
  `.execute(db)
  const [calendar] = rows
  if (calendar === undefined) throw new Error('the calendar is one row')
  return calendar
}

/**
 * How the money stands now: day, month, and what needs somebody.
 *
 * @throws {Fault} `config_invalid` for limits nobody can read
 */
export async function readBudgetLine(db: Db): Promise<BudgetLine> {
  const { limits } = await readBudgetRules(db)
  return budgetLine(db, limits, await readCalendar(db))
}

/** The same by limits and calendar that were read already. */
export async function budgetLine(db: Db, limits: BudgetLimits, calendar: Calendar): Promise<BudgetLine> {
  const { day, month } = await readSums(db, calendar)
  const stopped = await whyStopped(db)
  const dayHard = lower(limits.daily_hard_cap, limits.emergency_kill)
  return {
    status: stopped === null ? statusOf(limits, day, month) : 'emergency_kill',
    emergency_stop: {
      active: stopped !== null,
      by_hand: stopped?.details['by_hand'] === true,
      reason: stopped === null ? null : stopped.message,
    },
    today: periodOf(day, { soft: limits.daily_soft_cap, hard: limits.daily_hard_cap, lowest: dayHard }),
    this_month: periodOf(month, {
      soft: limits.monthly_target,
      hard: limits.monthly_hard_cap,
      lowest: limits.monthly_hard_cap,
    }),
    unresolved: await sumUnresolved(db),
    disputed: await countDisputed(db),
  }
}

type Sums = { spent: Usd; total: Usd }

async function readSums(db: Db, { day, month }: Calendar): Promise<{ day: Sums; month: Sums }> {
  const { rows } = await sql<Record<'day_spent' | 'day_total' | 'month_spent' | 'month_total', string>>`
    select coalesce(sum(cost_usd), 0) as month_spent, coalesce(sum(amount_usd), 0) as month_total,
      coalesce(sum(cost_usd) filter (where day = ${day}), 0) as day_spent,
      coalesce(sum(amount_usd) filter (where day = ${day}), 0) as day_total
    from budget_entries as entry where month = ${month} and ${COUNTS}
  `.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('the sums of the ledger are one row')
  const sums = (spent: string, total: string) => ({ spent: new Usd(spent), total: new Usd(total) })
  return { day: sums(row.day_spent, row.day_total), month: sums(row.month_spent, row.month_total) }
}

/** Soft caps are passed by what was spent: a reservation is far more than most calls cost. */
function statusOf(limits: BudgetLimits, day: Sums, month: Sums): BudgetLine['status'] {
  const reached = (sum: Usd, cap: Usd | null) => cap !== null && sum.greaterThanOrEqualTo(cap)
  if (reached(day.total, limits.daily_hard_cap) || reached(month.total, limits.monthly_hard_cap)) {
    return 'hard_cap_exceeded'
  }
  return reached(day.spent, limits.daily_soft_cap) || reached(month.spent, limits.monthly_target) ? 'warning' : 'normal'
}

function periodOf({ spent, total }: Sums, caps: Record<'soft' | 'hard' | 'lowest', Usd | null>): BudgetPeriod {
  return {
    spent_usd: spent.toNumber(),
    reserved_usd: total.minus(spent).toNumber(),
    soft_cap_usd: shownCap(caps.soft),
    hard_cap_usd: shownCap(caps.hard),
    left_usd: caps.lowest === null ? null : Usd.max(NO_USD, caps.lowest.minus(total)).toNumber(),
  }
}

export function shownCap(cap: Usd | null): number | null {
  return cap === null ? null : cap.toNumber()
}

function lower(one: Usd | null, other: Usd | null): Usd | null {
  if (one === null || other === null) return one === null ? other : one
  return Usd.min(one, other)
}

async function sumUnresolved(db: Db): Promise<BudgetLine['unresolved']> {
  const { count, amount } = await db
    .selectFrom('budget_open_reservations')
    .select((eb) => [eb.fn.countAll<string>().as('count'), eb.fn.sum<string | null>('amount_usd').as('amount')])
    .where('unresolved', '=', true)
    .executeTakeFirstOrThrow()
  return { count: Number(count), amount_usd: Number(amount) }
}

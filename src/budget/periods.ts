import type { Kysely } from 'kysely'
import type { BudgetLine, BudgetPeriod } from '../contract/budget.ts'
import { type Calendar, readCalendar, readPeriodSums } from '../db/budget-entries/cap-sums.ts'
import { countDisputed } from '../db/budget-entries/counted-entries.ts'
import { sumUnresolved } from '../db/budget-entries/reservations.ts'
import type { Database } from '../db/schema.ts'
import { NO_USD, Usd } from '../money.ts'
import { whyStopped } from './emergency.ts'
import { type BudgetLimits, readBudgetRules } from './limits.ts'

type Db = Kysely<Database>

/**
 * How the money stands now: the day, the month, and what needs a human.
 *
 * @throws {Fault} `config_invalid` for limits that cannot be read
 */
export async function readBudgetLine(db: Db): Promise<BudgetLine> {
  const { limits } = await readBudgetRules(db)
  return budgetLine(db, limits, await readCalendar(db))
}

/** The same by limits and calendar that were read already. */
export async function budgetLine(db: Db, limits: BudgetLimits, calendar: Calendar): Promise<BudgetLine> {
  const { day, month } = await readSums(db, calendar)
  const stopped = await whyStopped(db)
  const unresolved = await sumUnresolved(db)
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
    unresolved: { count: unresolved.calls, amount_usd: Number(unresolved.held) },
    disputed: await countDisputed(db),
  }
}

type Sums = { spent: Usd; reserved: Usd; total: Usd }

async function readSums(db: Db, calendar: Calendar): Promise<{ day: Sums; month: Sums }> {
  const read = await readPeriodSums(db, calendar)
  const sums = (spent: Usd, reserved: Usd) => ({ spent, reserved, total: spent.plus(reserved) })
  return {
    day: sums(new Usd(read.day_spent), new Usd(read.day_reserved)),
    month: sums(new Usd(read.month_spent), new Usd(read.month_reserved)),
  }
}

/** Soft caps are passed by what was spent: a reservation is far more than most calls cost. */
function statusOf(limits: BudgetLimits, day: Sums, month: Sums): BudgetLine['status'] {
  const reached = (sum: Usd, cap: Usd | null) => cap !== null && sum.greaterThanOrEqualTo(cap)
  if (reached(day.total, limits.daily_hard_cap) || reached(month.total, limits.monthly_hard_cap)) {
    return 'hard_cap_exceeded'
  }
  return reached(day.spent, limits.daily_soft_cap) || reached(month.spent, limits.monthly_target) ? 'warning' : 'normal'
}

function periodOf(
  { spent, reserved, total }: Sums,
  caps: Record<'soft' | 'hard' | 'lowest', Usd | null>,
): BudgetPeriod {
  return {
    spent_usd: spent.toNumber(),
    reserved_usd: reserved.toNumber(),
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

import type { BudgetLine, BudgetPeriod } from '../../contract/budget.ts'
import { counted, usd } from './humanize.ts'
import { harmless } from './terminal-text.ts'

/** `$1.23 of $100.00 today (+$0.40 reserved), $20.10 of $1000.00 this month`. */
export function budgetText({ today, this_month: month }: BudgetLine): string {
  return `${spentText(today)} today${reservedText(today)}, ${spentText(month)} this month`
}

/** `$1.23 of $100.00`; without a hard cap `$1.23`. */
export function spentText({ spent_usd: spent, hard_cap_usd: cap }: BudgetPeriod): string {
  return cap === null ? usd(spent) : `${usd(spent)} of ${usd(cap)}`
}

function reservedText({ reserved_usd: reserved }: BudgetPeriod): string {
  return reserved === 0 ? '' : ` (+${usd(reserved)} reserved)`
}

/** Warnings about the budget, with what to do about each; the worst first. */
export function budgetWarnings(budget: BudgetLine): string[] {
  const { emergency_stop: stop, unresolved, disputed, today, this_month: month } = budget
  const { count } = unresolved
  return [
    ...(disputed === 0
      ? []
      : [`${counted(disputed, 'reservation')} of the ledger cannot be right, so nothing is spent; see: moose doctor`]),
    ...(stop.reason === null ? [] : [harmless(stop.reason)]),
    ...(stop.active ? [] : [...capWarnings(today, 'day'), ...capWarnings(month, 'month')]),
    ...(count === 0
      ? []
      : [`${counted(count, 'call')} (${usd(unresolved.amount_usd)}) may have been charged or not; see: moose budget`]),
  ]
}

function capWarnings(period: BudgetPeriod, name: 'day' | 'month'): string[] {
  const { spent_usd: spent, soft_cap_usd: soft, hard_cap_usd: hard, left_usd: left } = period
  if (hard !== null && left === 0) {
    return [`nothing is left of the ${name}'s cap of ${usd(hard)}; raise it with: moose budget cap ${name} USD`]
  }
  return soft !== null && spent >= soft ? [`the ${name}'s soft cap of ${usd(soft)} is passed`] : []
}

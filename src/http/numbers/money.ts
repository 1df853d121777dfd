import type { Kysely } from 'kysely'
import { type BudgetLimits, readBudgetRules } from '../../budget/limits.ts'
import type { Numbers } from '../../contract/numbers.ts'
import { type MonthSums, readMonthSums } from '../../db/budget-entries/cap-sums.ts'
import type { Sums } from '../../db/budget-entries/counted-entries.ts'
import type { NumbersRange } from '../../db/numbers/range.ts'
import {
  type MonthRow,
  readMonths,
  readSpending,
  readTokens,
  type Spending,
  type Tokens,
} from '../../db/numbers/spending.ts'
import type { Database } from '../../db/schema.ts'
import { Fault } from '../../faults/fault.ts'
import { NO_USD, Usd } from '../../money.ts'
import { faultOfRow } from '../../orchestrator/malformed-rows.ts'

type Db = Kysely<Database>
type Money = Pick<Numbers, 'day_caps' | 'days' | 'months' | 'projects' | 'models'>
type Spent = ReturnType<typeof spentOf> & { calls: number }

/** What was spent, by day, month, project and model; `spending`: all together. */
export async function moneyOf(db: Db, range: NumbersRange): Promise<Money & { spending: Spent }> {
  // Limits that cannot be read must not hide what was spent.
  const rules = await readBudgetRules(db).catch(faultOfRow)
  const limits = rules instanceof Fault ? null : rules.limits
  const spending = await readSpending(db, range)
  return {
    spending: { ...spentOf(spending.all), calls: spending.all.calls },
    day_caps:
      limits === null
        ? null
        : { soft_cap_usd: capOf(limits.daily_soft_cap), hard_cap_usd: capOf(limits.daily_hard_cap) },
    days: daysOf(range, spending),
    months: (await readMonths(db, range)).map((row) => monthOf(row, range, limits)),
    projects: projectsOf(spending, await readMonthSums(db), limits),
    models: modelsOf(spending, await readTokens(db, range)),
  }
}

/** A decimal of the database, or one that was worked out, as the contract writes it. */
export function exactUsd(amount: string | Usd): string {
  return Usd.max(NO_USD, amount).toFixed()
}

function capOf(cap: string | Usd | null): string | null {
  return cap === null ? null : exactUsd(cap)
}

function spentOf({ spent, reserved }: Sums): { spent_usd: string; reserved_usd: string } {
  return { spent_usd: exactUsd(spent), reserved_usd: exactUsd(reserved) }
}

const NOTHING = { spent: '0', reserved: '0', calls: 0 }

function daysOf({ days }: NumbersRange, spending: Spending): Money['days'] {
  return days.map((day, index) => {
    const found = spending.days.get(index)
    const spent = found === undefined ? NOTHING : found
    return { day, ...spentOf(spent), calls: spent.calls }
  })
}

function monthOf(
  { month, project_cap: own, ...sums }: MonthRow,
  { projectId }: NumbersRange,
  limits: BudgetLimits | null,
): Money['months'][number] {
  const usual = limits === null ? null : limits[projectId === null ? 'monthly_hard_cap' : 'project_monthly_cap']
  const soft = limits === null || projectId !== null ? null : limits.monthly_target
  return { month, ...spentOf(sums), soft_cap_usd: capOf(soft), hard_cap_usd: capOf(own === null ? usual : own) }
}

function projectsOf(spending: Spending, month: MonthSums, limits: BudgetLimits | null): Money['projects'] {
  return spending.projects.map(({ project_id: id, name, cap, calls, ...sums }) => {
    const inMonth = id === null ? undefined : month.projects.get(id)
    const usual = limits === null || name === null ? null : limits.project_monthly_cap
    return {
      project: name,
      ...spentOf(sums),
      calls,
      month_usd: exactUsd(inMonth === undefined ? NO_USD : new Usd(inMonth.spent).plus(inMonth.reserved)),
      month_cap_usd: capOf(cap === null ? usual : cap),
    }
  })
}

function modelsOf(spending: Spending, tokens: readonly Tokens[]): Money['models'] {
  return spending.models.map(({ proposer, provider, model, calls, ...sums }) => {
    const read = tokens.find((row) => row.proposer === proposer && row.provider === provider && row.model === model)
    const { input, output } = read === undefined ? { input: 0, output: 0 } : read
    return { proposer, provider, model, ...spentOf(sums), calls, input_tokens: input, output_tokens: output }
  })
}

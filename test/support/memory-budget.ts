import type { BudgetLine, BudgetView } from '../../src/contract/budget.ts'
import type { BudgetServices } from '../../src/http/http-services.ts'

const AT = '2026-01-31T12:00:00.000Z'

export const BUDGET_LINE: BudgetLine = {
  status: 'normal',
  emergency_stop: { active: false, by_hand: false, reason: null },
  today: { spent_usd: 1.23, reserved_usd: 0.4, soft_cap_usd: 50, hard_cap_usd: 100, left_usd: 98.37 },
  this_month: { spent_usd: 20.1, reserved_usd: 0.4, soft_cap_usd: 500, hard_cap_usd: 1000, left_usd: 979.5 },
  unresolved: { count: 0, amount_usd: 0 },
  disputed: 0,
}

/** A budget nothing happens to, beside what was told to it. */
export function memoryBudget(told: string[]): BudgetServices & { view: BudgetView } {
  const view: BudgetView = {
    ...BUDGET_LINE,
    at: AT,
    day: '2026-01-31',
    month: '2026-01',
    limits: {
      order_cap: 5,
      project_monthly_cap: null,
      daily_soft_cap: 50,
      daily_hard_cap: 100,
      monthly_target: 500,
      monthly_hard_cap: 1000,
      emergency_kill: 200,
    },
    projects: [],
    models: [],
    orders: [],
    reservations: [],
    waiting: [],
    paused_providers: [],
  }
  return {
    view,
    read: async () => view,
    setCap: async ({ target, id = null, usd }) => {
      told.push(`cap ${target} ${id} ${usd}`)
      return { target, id, usd: usd === null ? null : Number(usd) }
    },
    setEmergencyStop: async (stopped) => {
      told.push(`emergency ${stopped}`)
      view.emergency_stop = { active: stopped, by_hand: stopped, reason: stopped ? 'Somebody stopped it.' : null }
    },
    settle: async (id, cost) => {
      told.push(`settle ${id} ${cost}`)
      return { id: '9b1c7d40-0000-4000-8000-000000000000', cost_usd: Number(cost) }
    },
    reconcile: async (bill) => {
      told.push(`reconcile ${JSON.stringify(bill)}`)
      return { settled: [], released: [], agreeing: bill.entries.length, differing: [], under_way: [], unknown: [] }
    },
    setPrice: async (proposer, price) => {
      told.push(`price ${proposer} ${JSON.stringify(price)}`)
      return { proposer, price: null }
    },
  }
}

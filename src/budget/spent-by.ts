import type { Kysely } from 'kysely'
import type { BudgetView, OrderBudget } from '../contract/budget.ts'
import type { Sums } from '../db/budget-entries/counted-entries.ts'
import { dearestOrders, sumsByModel, sumsByProject, sumsOfOrder } from '../db/budget-entries/spent-by.ts'
import type { Database } from '../db/schema.ts'
import { decimal } from '../db/work-orders/work-order-view.ts'
import { toFault } from '../faults/fault.ts'
import { readBudgetRules } from './limits.ts'
import { shownCap } from './periods.ts'

type Db = Kysely<Database>

function shown({ spent, reserved }: Sums): { spent_usd: number; reserved_usd: number } {
  return { spent_usd: Number(spent), reserved_usd: Number(reserved) }
}

/** @param usualCap of a month, for projects without a cap of their own */
export async function spentByProject(db: Db, month: string, usualCap: number | null): Promise<BudgetView['projects']> {
  return (await sumsByProject(db, month)).map((row) => {
    const own = row.project === null ? null : decimal(row.cap)
    return { project: row.project, ...shown(row), cap_usd: own === null && row.project !== null ? usualCap : own }
  })
}

export async function spentByModel(db: Db, month: string): Promise<BudgetView['models']> {
  return (await sumsByModel(db, month)).map((row) => ({
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
  return (await dearestOrders(db, month)).map(({ id, title, status, cap, ...sums }) => {
    const own = decimal(cap)
    return { id, title, status, ...shown(sums), cap_usd: own === null && title !== null ? usualCap : own }
  })
}

/** What one order has cost ever. Limits that cannot be read must not hide the order. */
export async function readOrderBudget(db: Db, workOrderId: string): Promise<OrderBudget> {
  const { cap, unresolved, ...sums } = await sumsOfOrder(db, workOrderId)
  const own = decimal(cap)
  return {
    cap_usd: own === null ? await usualOrderCap(db) : own,
    ...shown(sums),
    unresolved_usd: Number(unresolved),
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

import type { Context } from 'hono'
import { readBudgetRules } from '../budget/limits.ts'
import { shownUsd, type Usd } from '../money.ts'
import { requireScope } from './authenticate.ts'
import type { HttpEnv } from './http-env.ts'

/**
 * Whoever gives an order that is there a higher cap than any order may have needs the scope that lets it be spent.
 *
 * @throws {Fault} `scope_missing`; `config_invalid` where the cap cannot be read
 */
export async function requireUpTo(c: Context<HttpEnv>, budget: Usd): Promise<void> {
  const { order_cap: cap } = (await readBudgetRules(c.var.deps.db)).limits
  if (cap === null || budget.lessThanOrEqualTo(cap)) return
  requireScope(c, 'approve', `A cap of ${shownUsd(budget)}, over ${shownUsd(cap)}, the cap of any order,`)
}

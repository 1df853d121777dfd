import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Database } from '../db/schema.ts'
import { readBudgetSettings, setBudgetLimit } from '../db/system-config.ts'
import { Usd } from '../money.ts'
import { CAPS, forEachCap } from './caps.ts'

const NO_AMOUNT = 'is not an amount in USD (of at most 12 digits before the point)'

const Amount = z
  .union([z.number().lt(1e12, NO_AMOUNT), z.string().regex(/^\d{1,12}(\.\d{1,40})?$/, NO_AMOUNT)], NO_AMOUNT)
  .transform((amount) => new Usd(amount))
  .refine((amount) => !amount.isNegative(), 'is negative')

/** The row `budget_limits` of `system_config`, in USD; null: no such limit. */
const BudgetLimits = z.strictObject(forEachCap((name) => Amount.nullable().prefault(CAPS[name].usual)))

/** What of `budget_limits` Moose knows. Hard caps and the kill are never passed; soft caps and the target warn. */
export type BudgetLimits = z.infer<typeof BudgetLimits>

export type BudgetRules = {
  limits: BudgetLimits
  /** Everything was stopped by a command. */
  stopped: boolean
}

/**
 * The limits as they are at this moment.
 *
 * @throws {Fault} `config_invalid`: with limits that cannot be read, nothing is spent
 */
export async function readBudgetRules(db: Kysely<Database>): Promise<BudgetRules> {
  const { limits, stopped } = await readBudgetSettings(db, BUDGET_LIMITS)
  return { limits: limits(), stopped }
}

/** The emergency kill; `stopped` where everything was stopped by a command, whatever the limits say. @throws {Fault} as `readBudgetRules` */
export async function readKill(db: Kysely<Database>): Promise<Usd | 'stopped' | null> {
  const { limits, stopped } = await readBudgetSettings(db, BUDGET_LIMITS)
  return stopped ? 'stopped' : limits().emergency_kill
}

const BUDGET_LIMITS = { schema: BudgetLimits, consequence: 'Nothing is spent until it is corrected or deleted.' }

/** Sets one limit and leaves what else the row says. */
export async function setLimit(db: Kysely<Database>, name: string, amount: Usd | null): Promise<void> {
  await setBudgetLimit(db, name, amount === null ? null : amount.toFixed())
}

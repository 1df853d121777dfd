import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import { parseJsonSetting } from '../db/json-setting.ts'
import type { Database } from '../db/schema.ts'
import { Usd } from '../money.ts'

const NO_AMOUNT = 'is not an amount in USD (of at most 12 digits before the point)'

const Amount = z
  .union([z.number().lt(1e12, NO_AMOUNT), z.string().regex(/^\d{1,12}(\.\d{1,40})?$/, NO_AMOUNT)], NO_AMOUNT)
  .transform((amount) => new Usd(amount))
  .refine((amount) => !amount.isNegative(), 'is negative')
const cap = (usd: string | null) => Amount.nullable().prefault(usd)

/**
 * The row `budget_limits` of `system_config`, in USD; null: no such limit. The names of the first Moose, and a cap per
 * order and per project beside them. Hard caps and the kill are never passed; soft caps and the target warn.
 */
const BudgetLimits = z.strictObject({
  order_cap: cap('5'),
  project_monthly_cap: cap(null),
  daily_soft_cap: cap('50'),
  daily_hard_cap: cap('100'),
  monthly_target: cap('500'),
  monthly_hard_cap: cap('1000'),
  emergency_kill: cap('200'),
})

/** What of `budget_limits` Moose knows. */
export type BudgetLimits = z.infer<typeof BudgetLimits>

export type BudgetRules = {
  limits: BudgetLimits
  /** Somebody has stopped everything. */
  stopped: boolean
}

/**
 * The limits as they are at this moment.
 *
 * @throws {Fault} `config_invalid`: with limits nobody can read, nothing is spent
 */
export async function readBudgetRules(db: Kysely<Database>): Promise<BudgetRules> {
  const rows = await db
    .selectFrom('system_config')
    .select(['key', 'value'])
    .where('key', 'in', ['budget_limits', 'emergency_stop'])
    .execute()
  const [limits, stop] = ['budget_limits', 'emergency_stop'].map((key) => rows.find((row) => row.key === key))
  const consequence = 'Nothing is spent until it is corrected or deleted.'
  return {
    limits: parseJsonSetting('budget_limits', limits === undefined ? null : limits.value, {
      schema: BudgetLimits,
      consequence,
    }),
    stopped: stop !== undefined && parseStop(stop.value),
  }
}

/** Anything but a clear no stops: whoever typed here wanted to stop something. */
function parseStop(value: string): boolean {
  return value !== 'false'
}

/** Sets one limit and leaves what else the row says. */
export async function setLimit(db: Kysely<Database>, name: string, amount: Usd | null): Promise<void> {
  const value = amount === null ? null : amount.toFixed()
  await sql`
    insert into system_config (key, value) values ('budget_limits', ${JSON.stringify({ [name]: value })})
    on conflict (key) do update set
      value = (system_config.value::jsonb || excluded.value::jsonb)::text, updated_at = clock_timestamp()
  `.execute(db)
}

/** Stops every model call of every process, or lets them go on. */
export async function setEmergencyStop(db: Kysely<Database>, stopped: boolean): Promise<void> {
  await sql`
    insert into system_config (key, value) values ('emergency_stop', ${String(stopped)})
    on conflict (key) do update set value = excluded.value, updated_at = clock_timestamp()
  `.execute(db)
}

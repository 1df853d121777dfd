import { z } from 'zod'
import { RISK_LEVELS, type RiskLevel } from './content.ts'

/** How much can go wrong with an order by the Director's rules: the highest level of those that fit, `low` where none does. */
export const Risk = z
  .object({
    level: z.enum(RISK_LEVELS),
    /** The rules that fit, the highest first. */
    reasons: z.array(z.object({ rule: z.string(), level: z.enum(RISK_LEVELS), reason: z.string() })),
  })
  .meta({ id: 'Risk' })
export type Risk = z.infer<typeof Risk>

export function isAtMost(level: RiskLevel, most: RiskLevel): boolean {
  return RISK_LEVELS.indexOf(level) <= RISK_LEVELS.indexOf(most)
}

/** The latest orders that named one of the same files, and how many of them failed, if only once. */
export type ScopeHistory = { orders: number; failed: number }

export const NO_HISTORY: ScopeHistory = { orders: 0, failed: 0 }

/** Reasons told of one order. */
const MOST_TOLD = 5

/** `high: package-lock.json is a lock file (held_files). Filed as low.`: by the rules, and what its writer says where that differs. */
export function riskInWords(risk: Risk, filed: string): string {
  return `${risk.level}: ${riskReasons(risk, filed)}`
}

/** The same without the level. */
export function riskReasons({ level, reasons }: Risk, filed: string): string {
  const told = reasons.slice(0, MOST_TOLD).map(({ rule, reason }) => `${reason} (${rule})`)
  const more = reasons.length > told.length ? `; and ${reasons.length - told.length} more` : ''
  const why = told.length === 0 ? 'no rule fits' : `${told.join('; ')}${more}`
  return `${why}.${filed === level ? '' : ` Filed as ${filed}.`}`
}

/** Why rules have not approved an order that waits for a human. @param most null: its project has none approved by rule */
export function whyNotByRule({ level }: Risk, most: RiskLevel | null): string | null {
  if (most === null) return null
  if (!isAtMost(level, most))
    return `Rules did not approve it: its risk is ${level}, and its project allows up to ${most}.`
  return 'Rules approve an order when it is filed, and not afterwards: a human approves this one.'
}

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

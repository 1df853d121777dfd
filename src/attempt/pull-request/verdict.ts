import type { CheckResult } from '../../ports/execution.ts'
import type { Evidence } from '../evidence.ts'
import type { Verified } from '../steps/verify.ts'

/** The check that proves a criterion on the commit; undefined: none does. */
export function proofOf({ checks }: Verified, index: number): CheckResult | undefined {
  return checks.find((check) => check.outcome === 'passed' && check.proves.includes(index))
}

/** Indices (0-based) of the criteria that no check proves. */
export function unprovedOf({ routed, verified }: Pick<Evidence, 'routed' | 'verified'>): number[] {
  return [...routed.order.acceptance_criteria.keys()].filter((index) => proofOf(verified, index) === undefined)
}

/** How many criteria are proved, in a few words. */
export function verdictOf(evidence: Pick<Evidence, 'routed' | 'verified'>): string {
  const all = evidence.routed.order.acceptance_criteria.length
  const open = unprovedOf(evidence).length
  if (all === 0) return 'The order names no criteria'
  if (open === 0) return all === 1 ? '1 of 1 criterion proved' : `All ${all} criteria proved`
  const proved = `${all - open} of ${all} ${all === 1 ? 'criterion' : 'criteria'} proved`
  return `${proved}; ${open} to be looked at`
}

/** How many checks passed, in a few words. */
export function checksTold({ checks }: Verified): string {
  const passed = checks.filter(({ outcome }) => outcome === 'passed').length
  if (checks.length === 0) return 'the project has no checks'
  return `${passed} of ${checks.length} ${checks.length === 1 ? 'check' : 'checks'} passed`
}

import type { WorkOrderView } from '../../contract/work-orders.ts'
import { usd } from './humanize.ts'
import { LONGEST_TITLE, oneLine } from './terminal-text.ts'

type Terms = Pick<WorkOrderView, 'risk' | 'worst_case_usd' | 'verification' | 'acceptance_criteria'>

/** Reasons told of one order. */
const MOST = 5

/** What approving an order allows: the most it may cost, what verifies it, and its risk with the rules that fit. */
export function termsNotes(order: Terms): string[] {
  const { risk, worst_case_usd: worst } = order
  if (risk === undefined) return []
  const cost =
    worst === null || worst === undefined
      ? 'No cap of its own bounds what it may cost'
      : `It may cost ${usd(worst)} at most`
  return [`${cost}; ${verifiedBy(order)}.`, riskText(risk)]
}

function verifiedBy({ verification, acceptance_criteria: criteria }: Terms): string {
  if (verification === undefined || verification === null) return 'which checks will verify it is not known yet'
  const { checks, unproved } = verification
  if (checks === 0) return 'nothing will be verified'
  const by = checks === 1 ? 'one check verifies it' : `${checks} checks verify it`
  return criteria.length === 0
    ? by
    : `${by} and can prove ${criteria.length - unproved.length} of ${criteria.length} criteria`
}

/** `Risk high: package-lock.json is a lock file (held_files).` */
export function riskText({ level, reasons }: NonNullable<Terms['risk']>): string {
  const told = reasons.slice(0, MOST).map(({ rule, reason }) => `${oneLine(reason, LONGEST_TITLE)} (${rule})`)
  const more = reasons.length > told.length ? `; and ${reasons.length - told.length} more` : ''
  return told.length === 0 ? `Risk ${level}: no rule fits.` : `Risk ${level}: ${told.join('; ')}${more}.`
}

/** `$15.00 at most`, of those whose most is known. */
export function totalText(orders: readonly Terms[]): string {
  const known = orders.flatMap(({ worst_case_usd: worst }) => (worst === null || worst === undefined ? [] : [worst]))
  const others = orders.length - known.length
  const sum = `${usd(known.reduce((all, one) => all + one, 0))} at most`
  return others === 0 ? sum : `${sum}, and ${others} whose cost no cap of their own bounds`
}

import type { WorkOrderView } from '../../contract/work-orders.ts'
import { verifiedText } from '../../work-order/proves.ts'
import { riskInWords, whyNotByRule } from '../../work-order/risk.ts'
import { usd } from './humanize.ts'
import { oneLine } from './terminal-text.ts'

type Terms = Pick<
  WorkOrderView,
  'approved' | 'risk' | 'risk_level' | 'auto_approve' | 'worst_case_usd' | 'verification' | 'acceptance_criteria'
>

const LONGEST = 1_200

/** What approving an order allows: the most it may cost, what verifies it, and its risk with the rules that fit. */
export function termsNotes(order: Terms): string[] {
  const { risk, worst_case_usd: worst, verification = null, acceptance_criteria: criteria } = order
  if (risk === undefined) return []
  const cost =
    worst === null || worst === undefined
      ? 'No cap of its own bounds what it may cost'
      : `It may cost ${usd(worst)} at most`
  const left = notByRule(order)
  const verified = oneLine(verifiedText(verification, criteria.length), LONGEST)
  return [`${cost}; ${verified}.`, `Risk ${riskText(order)}`, ...(left === null ? [] : [left])]
}

/** `Risk high: package-lock.json is a lock file (held_files). Filed as low.`; null: it was not judged. */
export function riskText({ risk, risk_level: filed }: Pick<Terms, 'risk' | 'risk_level'>): string | null {
  return risk === undefined ? null : oneLine(riskInWords(risk, filed), LONGEST)
}

/** Why rules have not approved it; null: it is approved, or its project has a human approve each. */
export function notByRule({
  approved,
  risk,
  auto_approve: most = null,
}: Pick<Terms, 'approved' | 'risk' | 'auto_approve'>): string | null {
  return approved || risk === undefined ? null : whyNotByRule(risk, most)
}

/** `$15.00 at most`, of those whose most is known. */
export function totalText(orders: readonly Terms[]): string {
  const known = orders.flatMap(({ worst_case_usd: worst }) => (worst === null || worst === undefined ? [] : [worst]))
  const others = orders.length - known.length
  const sum = `${usd(known.reduce((all, one) => all + one, 0))} at most`
  return others === 0 ? sum : `${sum}, and ${others} whose cost no cap of their own bounds`
}

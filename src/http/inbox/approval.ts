import { hardCapOf } from '../../budget/caps.ts'
import { type Ceiling, leftBelow } from '../../budget/ceilings.ts'
import type { Why } from '../../contract/why/why.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import { NO_USD, shownUsd, Usd } from '../../money.ts'
import { verifiedText } from '../../work-order/proves.ts'
import { riskInWords, whyNotByRule } from '../../work-order/risk.ts'

/** What approving an order would mean: the most it allows to be spent, and what will be verified. */
export type Approval = { worstCaseUsd: number | null; sentence: string; evidence: Why['evidence'] }

/** What has to be known of the order. */
type Approvable = Pick<WorkOrderView, 'verification' | 'acceptance_criteria' | 'protected_scope' | 'hidden_text'> &
  Partial<Pick<WorkOrderView, 'risk' | 'risk_level' | 'auto_approve'>>

/**
 * The most is what is left below the order's own cap: that of a day or a month begins anew while the order waits. Without such
 * a cap it is the least that is left below any other.
 *
 * @param order with `verification`
 * @param ceilings every cap above it; null: they cannot be read
 * @param approved what approves it as it is filed, as a sentence; null: nothing does
 */
export function approvalOf(
  order: Approvable,
  ceilings: readonly Ceiling[] | null,
  approved: string | null = null,
): Approval {
  const binding = ceilings === null ? undefined : bindingOf(ceilings)
  const most = binding === undefined ? null : leftOf(binding)
  const spent =
    binding === undefined || most === null
      ? 'What it may cost is bounded by no cap'
      : `${approved === null ? 'Approving it allows' : 'That allows'} ${shownUsd(most)} to be spent at most, by the cap ${hardCapOf(binding.scope).label(binding.of)}`
  const { verification = null, acceptance_criteria: criteria } = order
  const said = verifiedText(verification, criteria.length)
  const verified = `${said.charAt(0).toUpperCase()}${said.slice(1)}`
  return {
    worstCaseUsd: most === null ? null : most.toNumber(),
    sentence: `${approved === null ? 'It is not approved, so it is not run.' : approved} ${ceilings === null ? 'What it may cost is not known: the caps cannot be read' : spent}. ${verified}.`,
    evidence: [
      ...(ceilings === null ? [] : ceilings.map(capEvidence)),
      { name: 'verified by', text: verified },
      ...riskEvidence(order),
      ...heldEvidence(order),
      ...hiddenEvidence(order),
    ],
  }
}

function bindingOf(ceilings: readonly Ceiling[]): Ceiling | undefined {
  const own = ceilings.find(({ scope }) => scope === 'order')
  return own === undefined ? ceilings.toSorted((one, other) => leftOf(one).comparedTo(leftOf(other)))[0] : own
}

function leftOf(ceiling: Ceiling): Usd {
  return Usd.max(NO_USD, leftBelow(ceiling))
}

function capEvidence(ceiling: Ceiling): Why['evidence'][number] {
  const { scope, of, cap } = ceiling
  return { name: `cap ${hardCapOf(scope).label(of)}`, text: `${shownUsd(leftOf(ceiling))} left of ${shownUsd(cap)}` }
}

/** Its risk by the rules, and why they have not approved it. */
function riskEvidence({ risk, risk_level: filed, auto_approve: most = null }: Approvable): Why['evidence'] {
  if (risk === undefined || filed === undefined) return []
  const left = whyNotByRule(risk, most)
  return [
    { name: 'risk', text: riskInWords(risk, filed) },
    ...(left === null ? [] : [{ name: 'not approved by rule', text: left }]),
  ]
}

function heldEvidence({ protected_scope: scope }: Approvable): Why['evidence'] {
  const held = scope === undefined ? [] : scope.filter(({ allowed }) => !allowed)
  return held.map(({ path, why }) => ({ name: 'protected', text: `${path} is ${why}` }))
}

function hiddenEvidence({ hidden_text: hidden }: Approvable): Why['evidence'] {
  return hidden.map(({ field, kind, count }) => ({ name: 'hidden text', text: `${kind} in ${field} (${count})` }))
}

import type { InboxEntry, Order } from '../api/client.ts'
import { usd } from '../ui/words.tsx'

type Terms = Pick<InboxEntry, 'worst_case_usd'> & { work_order: Order | null }

/** What an approval means: the most it may cost, what will be verified, and what else has to be known. */
export function ApprovalTerms({ entry: { worst_case_usd: worst, work_order: order } }: { entry: Terms }) {
  if (order === null) return null
  return (
    <>
      <ul className="terms">
        <li>
          {worst === null ? 'No cap of its own keeps what it may cost.' : <>At most {usd(worst)} may be spent.</>}
        </li>
        {verificationNotes(order).map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
      <RiskNotes order={order} />
      <ApprovalWarnings order={order} />
    </>
  )
}

/** Its risk by the rules, and each rule that fits. */
function RiskNotes({ order: { risk, risk_level: filed, approved, auto_approve: most } }: { order: Order }) {
  if (risk === undefined) return null
  const isLeft = !approved && most !== undefined && most !== null
  return (
    <>
      <p className="quiet">
        Risk {risk.level}
        {filed === risk.level ? '' : ` (filed as ${filed})`}
        {risk.reasons.length === 0 ? ': no rule fits.' : ', because'}
      </p>
      <ul className="terms">
        {risk.reasons.map(({ rule, reason }) => (
          <li key={rule}>
            {reason} <span className="quiet">({rule})</span>
          </li>
        ))}
      </ul>
      {isLeft ? (
        <p className="quiet">Rules approve orders of this project up to risk {most}, when they are filed.</p>
      ) : null}
    </>
  )
}

/** What has to be known before an order is approved; nothing, most often. */
export function ApprovalWarnings({ order }: { order: Pick<Order, 'protected_scope' | 'hidden_text'> }) {
  const held = protectedPaths(order)
  if (held.length === 0 && order.hidden_text.length === 0) return null
  return (
    <ul className="terms warn">
      {held.map(({ path, why }) => (
        <li key={path}>
          {path} is {why}: its change waits for you once more.
        </li>
      ))}
      {order.hidden_text.map(({ field, kind, count }) => (
        <li key={`${field} ${kind}`}>
          {count} × text that a reader does not see in {field} ({kind}).
        </li>
      ))}
    </ul>
  )
}

function protectedPaths({ protected_scope: scope }: Pick<Order, 'protected_scope'>) {
  return scope === undefined ? [] : scope.filter(({ allowed }) => !allowed)
}

/** What the checks of the project will say of the order. */
export function verificationNotes({ verification, acceptance_criteria: criteria }: Order): string[] {
  if (verification === undefined) return []
  if (verification === null) return ['Which checks will verify it is not known yet.']
  const { checks, names, unproved } = verification
  if (checks === 0) return ['Nothing will be verified: its project has no checks.']
  const proved = criteria.length - unproved.length
  // Nothing has run yet.
  return [
    `${checks} ${checks === 1 ? 'check' : 'checks'} will run: ${names.join(', ')}.`,
    ...(criteria.length === 0 ? [] : [`They can prove ${proved} of ${criteria.length} criteria.`]),
  ]
}

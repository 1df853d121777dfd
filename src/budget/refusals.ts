import { Fault } from '../faults/fault.ts'
import { NO_USD, shownUsd, type Usd } from '../money.ts'
import { type Ceiling, leftBelow, type PaidCall, type Scope } from './ceilings.ts'

const NAME: Record<Scope, (of: string) => string> = {
  order: () => 'of this order',
  project: (of) => `of the project ${of} for this month`,
  day: (of) => `of the day (${of}, UTC)`,
  month: (of) => `of the month (${of.slice(0, 7)}, UTC)`,
  emergency_kill: (of) => `of the emergency kill for the day (${of}, UTC)`,
}

/**
 * Says which cap, how much of it is gone, how much was wanted, and how to raise it. Amounts in the details are decimals.
 *
 * @param unresolved what of the reserved is held for calls of which nobody knows whether they were charged
 */
export function overCap(
  call: PaidCall,
  ceiling: Ceiling,
  { worstCase, unresolved }: { worstCase: Usd; unresolved: Usd },
): Fault {
  const { scope, of, cap, spent, reserved } = ceiling
  const left = leftBelow(ceiling)
  const message =
    `The next call to ${call.proposer} may cost up to ${shownUsd(worstCase)}, and the cap ${NAME[scope](of)}, ` +
    `${shownUsd(cap)}, has ${shownUsd(left.isNegative() ? NO_USD : left)} left ` +
    `(${shownUsd(spent)} spent, ${shownUsd(reserved)} reserved). ${heldSentence(unresolved)}` +
    `Raise it with: ${raiseCommand(ceiling, worstCase)}`
  return new Fault('budget_exceeded', message, {
    scope,
    of,
    cap_usd: cap.toFixed(),
    spent_usd: spent.toFixed(),
    reserved_usd: reserved.toFixed(),
    needed_usd: worstCase.toFixed(),
    proposer: call.proposer,
    provider: call.provider,
    model: call.model,
  })
}

/** What is held for nothing, perhaps: that may be got back without a higher cap. */
function heldSentence(unresolved: Usd): string {
  if (unresolved.isZero()) return ''
  return `Of ${shownUsd(unresolved)} of it nobody knows whether it was charged; say so with: moose budget settle, or moose budget reconcile. `
}

/** A cap with which the call would go through, in whole cents. */
function raiseCommand({ scope, of, spent, reserved }: Ceiling, worstCase: Usd): string {
  const enough = spent.plus(reserved).plus(worstCase).toDecimalPlaces(2, 0).toFixed(2)
  const target = {
    order: `order:${of.slice(0, 8)}`,
    project: `project:${of}`,
    day: 'day',
    month: 'month',
    emergency_kill: 'kill',
  }
  return `moose budget cap ${target[scope]} ${enough}`
}

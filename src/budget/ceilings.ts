import type { Kysely } from 'kysely'
import { type CapSums, type Payer, readCapSums } from '../db/budget-entries/cap-sums.ts'
import type { PaidCall } from '../db/budget-entries/reservations.ts'
import type { Database } from '../db/schema.ts'
import { Fault } from '../faults/fault.ts'
import { NO_USD, shownUsd, Usd } from '../money.ts'
import { HARD_CAPS, hardCapOf, type Scope } from './caps.ts'
import type { BudgetLimits, BudgetRules } from './limits.ts'

/** One cap that a call of this payer counts against. */
export type Ceiling = {
  scope: Scope
  /** The project's name, the order's id, the day or the month; for people. */
  of: string
  cap: Usd
  spent: Usd
  /** Of calls under way, and of those of which it is unknown whether they were charged. */
  reserved: Usd
}

/** What is left below a ceiling; negative when it was lowered, or a provider charged more than it should. */
export function leftBelow({ cap, spent, reserved }: Ceiling): Usd {
  return cap.minus(spent).minus(reserved)
}

/**
 * Every ceiling above a payer, in the order in which a refusal names them. Day and month are those of UTC.
 *
 * @param orderCap see `refusalOf`
 * @throws {Fault} `ledger_unsound`
 */
export async function ceilingsOf(
  db: Kysely<Database>,
  { limits }: BudgetRules,
  payer: Payer,
  orderCap?: Usd | null,
): Promise<{ ceilings: Ceiling[]; day: string; month: string }> {
  const { first_disputed, ...read } = await readCapSums(db, payer)
  assertSound(first_disputed)
  const sums = orderCap === undefined ? read : { ...read, order_cap: orderCap === null ? null : orderCap.toFixed() }
  return { ceilings: ceilingsFrom(limits, payer.workOrderId, sums), day: sums.day, month: sums.month }
}

/** The same by sums that were read already. */
export function ceilingsFrom(limits: BudgetLimits, workOrderId: string | null, sums: CapSums): Ceiling[] {
  const { day, month, project, order_cap: orderCap, project_cap: projectCap } = sums
  // Whose cap it is, and the cap of its own where it has one; null: there is no such payer.
  const owners = {
    order: { of: workOrderId, own: orderCap },
    project: { of: project, own: projectCap },
    day: { of: day, own: null },
    month: { of: month, own: null },
  }
  return HARD_CAPS.flatMap(({ scope, summedBy, limit }) => {
    const { of, own } = owners[summedBy]
    const cap = own === null ? limits[limit] : new Usd(own)
    if (cap === null || of === null) return []
    return [
      { scope, of, cap, spent: new Usd(sums[`${summedBy}_spent`]), reserved: new Usd(sums[`${summedBy}_reserved`]) },
    ]
  })
}

/** What is spent cannot be known, so nothing more is. */
function assertSound(firstDisputed: string | null): void {
  if (firstDisputed === null) return
  const id = firstDisputed.slice(0, 8)
  const message =
    `The entries of the reservation ${id} in budget_entries break the rules of the ledger, so nothing is spent until it is ` +
    `put right: moose doctor says what is wrong. Say what its call has cost (0: nothing) with: moose budget settle ${id} USD`
  throw new Fault('ledger_unsound', message, { reservation_id: firstDisputed })
}

/**
 * Says which cap, how much of it is gone, how much was wanted, and how to raise it. Amounts in the details are decimals.
 *
 * @param unresolved what of the reserved is held for calls of which it is unknown whether they were charged
 * @param others other caps that have no room for it either
 */
export function overCap(
  call: PaidCall,
  ceiling: Ceiling,
  { worstCase, unresolved, others }: { worstCase: Usd; unresolved: Usd; others: readonly Ceiling[] },
): Fault {
  const { scope, of, cap, spent, reserved } = ceiling
  const left = leftBelow(ceiling)
  const message =
    `The next call to ${call.proposer} may cost up to ${shownUsd(worstCase)}, and the cap ${hardCapOf(scope).label(of)}, ` +
    `${shownUsd(cap)}, has ${shownUsd(left.isNegative() ? NO_USD : left)} left ` +
    `(${shownUsd(spent)} spent, ${shownUsd(reserved)} reserved). ${heldSentence(unresolved)}` +
    `Raise it with: ${raiseCommands([ceiling, ...others], worstCase)}`
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
  return `It is unknown whether ${shownUsd(unresolved)} of it was charged; settle it with: moose budget settle, or moose budget reconcile. `
}

/** A cap with which the call would go through, in whole cents. */
export function raiseCommand({ scope, of, spent, reserved }: Ceiling, worstCase: Usd): string {
  const enough = spent.plus(reserved).plus(worstCase).toDecimalPlaces(2, 0).toFixed(2)
  return `moose budget cap ${hardCapOf(scope).argument(of)} ${enough}`
}

/** The same of several caps, all of which have to be raised. */
export function raiseCommands(ceilings: readonly Ceiling[], worstCase: Usd): string {
  return ceilings.map((ceiling) => raiseCommand(ceiling, worstCase)).join('   and: ')
}

import { assertRoom } from '../attempt/disk-room.ts'
import { refusalOf } from '../budget/ledger.ts'
import { pauseFault } from '../db/provider-pauses.ts'
import { type ReleasedFor, releaseOrder } from '../db/work-orders/released-orders.ts'
import { type SuspendedOrder, suspendedOrder, suspendedOrders } from '../db/work-orders/suspended-orders.ts'
import { Fault } from '../faults/fault.ts'
import { NO_USD } from '../money.ts'
import {
  type ConditionSources,
  type Conditions,
  detailOf,
  neededUsd,
  pauseOf,
  readConditions,
  whatReleases,
} from './resume-conditions.ts'

/**
 * Makes suspended orders pending whose condition is met, oldest first; their attempts are resumed when
 * they are claimed. An order that needs more than is available does not delay the others.
 *
 * @param onError called for what cannot be read and for each order that cannot be changed; the others are still released
 */
export async function resumeSuspended(sources: ConditionSources, onError: (error: unknown) => void): Promise<void> {
  try {
    await releaseWaiting(sources, onError)
  } catch (error) {
    onError(error)
  }
}

async function releaseWaiting(sources: ConditionSources, onError: (error: unknown) => void): Promise<void> {
  const waiting = await suspendedOrders(sources.db)
  if (waiting.length === 0) return
  const conditions = await readConditions(sources, waiting)
  for (const order of waiting) {
    const releasedFor = whatReleases(conditions, order)
    if (releasedFor !== null) await releaseOrder(sources.db, order.id, releasedFor).catch(onError)
  }
}

/**
 * Makes one suspended order pending on request, if its condition is met; headroom promised to other orders counts too.
 *
 * @returns why it has to wait, as it is now and not as it was when it was suspended; null: it is pending, or it is not
 *   suspended any more
 * @throws {Fault} `disk_full`, `ledger_unsound`, `config_invalid`
 */
export async function resumeAsked(sources: ConditionSources, id: string): Promise<Fault | null> {
  const order = await suspendedOrder(sources.db, id)
  if (order === null) return null
  const conditions = await readConditions(sources, [order])
  const refusal = await refusalNow(sources, conditions, order)
  if (refusal !== null) return refusal
  await releaseOrder(sources.db, id, releasedFor(conditions, order))
  return null
}

/** Null: the order may be released. */
async function refusalNow(
  { db, home }: ConditionSources,
  conditions: Conditions,
  order: SuspendedOrder,
): Promise<Fault | null> {
  const { code } = order.reason
  if (code === 'disk_full') await assertRoom(home)
  if (code === 'ledger_unsound') return refusalOf(db, payerOf(order), NO_USD)
  const needed = neededUsd(order)
  if (code === 'budget_exceeded' && needed !== null) return refusalOf(db, payerOf(order), needed)
  const pause = pauseOf(conditions, order)
  if (code === 'provider_paused' && pause?.running === true)
    return pauseFault(pause, String(detailOf(order, 'proposer')))
  if (code === 'provider_paused' && pause !== undefined) return null
  return whatReleases(conditions, order) === null ? Fault.fromRecord(order.reason) : null
}

function releasedFor(conditions: Conditions, order: SuspendedOrder): ReleasedFor {
  const isOf = order.reason.code === 'provider_paused' ? pauseOf(conditions, order) : undefined
  return {
    usd: order.reason.code === 'budget_exceeded' ? neededUsd(order) : null,
    provider: isOf === undefined ? null : isOf.provider,
  }
}

/** The call it was suspended at, as its refusal tells it. */
export function payerOf(order: SuspendedOrder) {
  const [proposer, provider, model] = ['proposer', 'provider', 'model'].map((name) => String(detailOf(order, name)))
  return {
    workOrderId: order.id,
    attempt: order.attempt,
    proposer: String(proposer),
    provider: String(provider),
    model: String(model),
  }
}

import type { Kysely } from 'kysely'
import { z } from 'zod'
import { whyNoRoom } from '../budget/ledger.ts'
import { findPause } from '../db/provider-pauses.ts'
import type { Database } from '../db/schema.ts'
import type { SuspendCode, SuspendedOrder } from '../db/suspended-orders.ts'
import type { FaultRecord } from '../errors.ts'
import { Usd } from '../money.ts'

export type ConditionSources = {
  db: Kysely<Database>
  /** Whether the price of what a proposer calls is known; also true where there is no such proposer any more. */
  isPriceKnown: (proposer: string) => Promise<boolean>
}

/** What has been given away before an order is looked at. */
export type GivenAway = {
  /** USD that orders let go on before will reserve any moment. */
  promised: Usd
  /** The orders of this look that may go on. */
  released: readonly SuspendedOrder[]
}

/** What a refusal for money says about the call it was for (budget/refusals.ts). */
const Refused = z.object({
  needed_usd: z.string().regex(/^\d+(\.\d+)?$/),
  proposer: z.string(),
  provider: z.string(),
  model: z.string(),
})

/** USD of the call an order waits to make; null: it does not wait for money. */
export function neededUsd({ code, details }: FaultRecord): Usd | null {
  if (code !== 'budget_exceeded') return null
  const refused = Refused.safeParse(details)
  return refused.success ? new Usd(refused.data.needed_usd) : null
}

/**
 * Whether the condition a suspended order waits for is back. One whose reason does not say enough waits for a human.
 * Asked only while nothing stops everything.
 */
export function mayGoOn(sources: ConditionSources, order: SuspendedOrder, given: GivenAway): Promise<boolean> {
  return CONDITIONS[order.reason.code](sources, order, given)
}

type Condition = (sources: ConditionSources, order: SuspendedOrder, given: GivenAway) => Promise<boolean>

const CONDITIONS: Record<SuspendCode, Condition> = {
  budget_exceeded: hasRoom,
  emergency_stop: async () => true,
  price_unknown: async ({ isPriceKnown }, { reason }) => isPriceKnown(String(reason.details?.['proposer'])),
  provider_paused: isNotPaused,
}

async function hasRoom(
  { db }: ConditionSources,
  { id, attempt, reason }: SuspendedOrder,
  { promised }: GivenAway,
): Promise<boolean> {
  const refused = Refused.safeParse(reason.details)
  if (!refused.success) return false
  const { needed_usd, ...call } = refused.data
  return (await whyNoRoom(db, { workOrderId: id, attempt, ...call }, promised.plus(needed_usd))) === null
}

/** After a pause one order finds out whether the provider is back; the others follow when it is. */
async function isNotPaused({ db }: ConditionSources, { reason }: SuspendedOrder, { released }: GivenAway) {
  const provider = providerOf(reason)
  const pause = await findPause(db, provider)
  if (pause === null) return true
  return !pause.running && !released.some((other) => providerOf(other.reason) === provider)
}

function providerOf({ details }: FaultRecord): string {
  return String(details?.['provider'])
}

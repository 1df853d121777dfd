import type { Kysely } from 'kysely'
import { z } from 'zod'
import { whyNoRoom } from '../budget/ledger.ts'
import { findPause } from '../db/provider-pauses.ts'
import type { Database } from '../db/schema.ts'
import {
  isProbed,
  promisedUsd,
  type ReleasedFor,
  type SuspendCode,
  type SuspendedOrder,
} from '../db/suspended-orders.ts'

/** What is known of a proposer, by its name in `proposer_configs`. */
export type ProposerConditions = {
  /** False also when there is no such proposer any more. */
  isPriceKnown: (proposer: string) => Promise<boolean>
  /** The name its provider is paused under; null when there is no such proposer any more. */
  providerOf: (proposer: string) => Promise<string | null>
}

export type ConditionSources = { db: Kysely<Database>; proposers: ProposerConditions }

/** Null: the order has to wait still. */
type Condition = (sources: ConditionSources, order: SuspendedOrder) => Promise<ReleasedFor | null>

/**
 * What a suspended order may go on for, when its condition is back; null while it is not. One whose reason does not say
 * enough waits for a human. Asked only while nothing stops everything.
 */
export const mayGoOn: Condition = (sources, order) => CONDITIONS[order.reason.code](sources, order)

const NOTHING: ReleasedFor = { usd: null, provider: null }

const CONDITIONS: Record<SuspendCode, Condition> = {
  budget_exceeded: roomFor,
  emergency_stop: async () => NOTHING,
  price_unknown: async ({ proposers }, order) => ((await proposers.isPriceKnown(proposerOf(order))) ? NOTHING : null),
  provider_paused: endOfPause,
}

/** What a refusal for money says about the call it was for (budget/refusals.ts). */
const Refused = z.object({
  needed_usd: z.string().regex(/^\d{1,12}(\.\d{1,40})?$/),
  proposer: z.string(),
  provider: z.string(),
  model: z.string(),
})

/** A room for one call lets one order go on, and not forty: what is promised to others counts as spent. */
async function roomFor({ db }: ConditionSources, { id, attempt, reason }: SuspendedOrder): Promise<ReleasedFor | null> {
  const refused = Refused.safeParse(reason.details)
  if (!refused.success) return null
  const { needed_usd: usd, ...call } = refused.data
  const needed = (await promisedUsd(db)).plus(usd)
  const fault = await whyNoRoom(db, { workOrderId: id, attempt, ...call }, needed)
  return fault === null ? { ...NOTHING, usd } : null
}

/** After a pause one order finds out whether the provider is back; the others follow when it is. */
async function endOfPause({ db, proposers }: ConditionSources, order: SuspendedOrder): Promise<ReleasedFor | null> {
  const said = order.reason.details?.['provider']
  // Who met the outage itself knows only whom it asked.
  const provider = typeof said === 'string' ? said : await proposers.providerOf(proposerOf(order))
  const pause = provider === null ? null : await findPause(db, provider)
  if (pause === null) return NOTHING
  return pause.running || (await isProbed(db, pause.provider)) ? null : { ...NOTHING, provider: pause.provider }
}

function proposerOf({ reason }: SuspendedOrder): string {
  return String(reason.details?.['proposer'])
}

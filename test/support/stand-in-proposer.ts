import { PRICE } from './aider-bench.ts'
import type { MooseHome } from './moose-home.ts'

type StandIn = {
  url: string
  threshold: number
  price?: Readonly<Record<string, number>>
  /** Of the row, where it is not Chat Completions of a model of its own name. */
  call?: { provider?: string; model?: string }
}

/**
 * Makes a stand-in of a provider a proposer of this name, beside those that were made so before; recordings are out.
 *
 * @param standIn.price USD per million tokens
 */
export async function useStandIn(
  { database: { db } }: Pick<MooseHome, 'database'>,
  name: string,
  { url, threshold, price = PRICE, call = {} }: StandIn,
): Promise<void> {
  await db.updateTable('proposer_configs').set({ active: false }).where('provider', '=', 'replay').execute()
  const row = { name, provider: 'openai-compatible', model: `${name}-model`, base_url: url, ...call }
  await db
    .insertInto('proposer_configs')
    .values({ ...row, complexity_threshold: threshold, cost_profile: JSON.stringify(price) })
    .execute()
}

import type { Kysely } from 'kysely'
import { listProposers } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import type { Models } from '../models/models.ts'

/** False while calls to a proposer are refused for want of a price; one that is gone or malformed is refused otherwise. */
export async function isPriceKnown(db: Kysely<Database>, models: Models, name: string): Promise<boolean> {
  const { proposers } = await listProposers(db)
  const proposer = proposers.find((one) => one.name === name)
  return proposer === undefined || models.whyUnavailable(proposer)?.code !== 'price_unknown'
}

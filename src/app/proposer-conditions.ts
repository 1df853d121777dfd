import type { Kysely } from 'kysely'
import { listProposers } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import type { Models } from '../models/models.ts'
import { providerKey } from '../models/provider-pause.ts'
import type { ProposerConditions } from '../orchestrator/resume-conditions.ts'

/** What suspended orders wait for of proposers, as `proposer_configs` has them now. */
export async function proposerConditions(db: Kysely<Database>, models: Models): Promise<ProposerConditions> {
  const { proposers } = await listProposers(db)
  const find = (name: string) => proposers.find((proposer) => proposer.name === name)
  return {
    isPriceKnown(name) {
      const proposer = find(name)
      return proposer === undefined || models.whyUnavailable(proposer)?.code !== 'price_unknown'
    },
    providerOf(name) {
      const proposer = find(name)
      return proposer === undefined ? null : providerKey(proposer)
    },
  }
}

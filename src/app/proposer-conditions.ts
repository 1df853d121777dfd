import type { Kysely } from 'kysely'
import { listProposers } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import type { Models } from '../models/models.ts'
import { providerKey } from '../models/provider-pause.ts'
import type { ProposerConditions } from '../orchestrator/resume-conditions.ts'

/** What suspended orders wait for of a proposer, as `proposer_configs` has it now. */
export function proposerConditions(db: Kysely<Database>, models: Models): ProposerConditions {
  const find = async (name: string) => (await listProposers(db)).proposers.find((proposer) => proposer.name === name)
  return {
    async isPriceKnown(name) {
      const proposer = await find(name)
      return proposer !== undefined && models.whyUnavailable(proposer)?.code !== 'price_unknown'
    },
    async providerOf(name) {
      const proposer = await find(name)
      return proposer === undefined ? null : providerKey(proposer)
    },
  }
}

import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { recordModelCall } from '../db/model-calls.ts'
import type { Database } from '../db/schema.ts'
import type { ProposeInput, Proposer, ProposerResponse } from '../pipeline/ports/proposal.ts'

/** Books what a Proposer says it has spent; for one whose calls do not go through models/. */
export function meteredProposer(proposer: Proposer, { db, clock }: { db: Kysely<Database>; clock: Clock }): Proposer {
  return {
    async propose(input) {
      const startedAt = clock.now()
      const response = await proposer.propose(input)
      await book(db, input, response, { startedAt, endedAt: clock.now() })
      return response
    },
  }
}

async function book(
  db: Kysely<Database>,
  { workOrderId, attempt }: ProposeInput,
  response: ProposerResponse,
  { startedAt, endedAt }: { startedAt: Date; endedAt: Date },
): Promise<void> {
  const { token_usage: usage, proposer_used, cost, replayed } = response
  await recordModelCall(db, {
    work_order_id: workOrderId,
    attempt,
    proposer: proposer_used,
    provider: 'foreign',
    model: proposer_used,
    input_tokens: usage === undefined ? 0 : usage.input,
    output_tokens: usage === undefined ? 0 : usage.output,
    cost_usd: cost,
    finish_reason: 'stop',
    replayed: replayed === true,
    duration_ms: endedAt.getTime() - startedAt.getTime(),
    started_at: startedAt,
  })
}

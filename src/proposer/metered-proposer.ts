import type { Kysely } from 'kysely'
import { leaveUnresolved, release, reserve, settle } from '../budget/ledger.ts'
import type { Clock } from '../clock.ts'
import { recordModelCall } from '../db/model-calls.ts'
import type { Database } from '../db/schema.ts'
import { toFault } from '../errors.ts'
import { isUnbilled } from '../models/unbilled.ts'
import { Usd } from '../money.ts'
import type { ProposeInput, Proposer, ProposerResponse } from '../pipeline/ports/proposal.ts'

type MeteredOptions = {
  db: Kysely<Database>
  clock: Clock
  /** The most one proposal may cost, as the operator states it: nobody else knows. */
  maxCostUsd: string
}

const PROVIDER = 'foreign'

/** Reserves and books what a Proposer spends; for one whose calls do not go through models/ and who says himself. */
export function meteredProposer(proposer: Proposer, options: MeteredOptions): Proposer {
  const { db, clock } = options
  const worstCase = new Usd(options.maxCostUsd)
  return {
    async propose(input) {
      const startedAt = clock.now()
      const { workOrderId, attempt, proposer: name } = input
      const call = { workOrderId, attempt, proposer: name, provider: PROVIDER, model: name }
      const reservationId = await reserve(db, call, worstCase)
      const response = await proposer.propose(input).catch(async (error: unknown) => {
        await (isUnbilled(toFault(error).cause) ? release : leaveUnresolved)(db, reservationId)
        throw error
      })
      const cost = response.cost_unknown === true ? worstCase : new Usd(response.cost)
      await db.transaction().execute(async (transaction) => {
        const times = { startedAt, endedAt: clock.now() }
        await book(transaction, input, { response, cost, reservationId, ...times })
        await settle(transaction, reservationId, cost)
      })
      return response
    },
  }
}

type Booked = { response: ProposerResponse; cost: Usd; reservationId: string; startedAt: Date; endedAt: Date }

async function book(
  db: Kysely<Database>,
  { workOrderId, attempt }: ProposeInput,
  { response, cost, reservationId, startedAt, endedAt }: Booked,
): Promise<void> {
  const { token_usage: usage, proposer_used, replayed } = response
  await recordModelCall(db, {
    work_order_id: workOrderId,
    attempt,
    proposer: proposer_used,
    provider: PROVIDER,
    model: proposer_used,
    input_tokens: usage === undefined ? 0 : usage.input,
    output_tokens: usage === undefined ? 0 : usage.output,
    cost_usd: cost.toFixed(),
    reservation_id: reservationId,
    finish_reason: 'stop',
    replayed: replayed === true,
    duration_ms: endedAt.getTime() - startedAt.getTime(),
    started_at: startedAt,
  })
}

import { leaveUnresolved, release, reserve } from '../budget/ledger.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { type BookDeps, bookCall, mostCredible } from '../models/book-call.ts'
import { wasNeverSent } from '../models/error-causes.ts'
import type { Admission } from '../models/paid-try.ts'
import { shownUsd, Usd } from '../money.ts'
import type { ProposeInput, Proposer, ProposerResponse } from '../ports/proposal.ts'
import { observeModelCall } from '../telemetry/observe-model-call.ts'

type MeteredOptions = BookDeps & {
  /** The most one proposal may cost, as the operator states it; Moose cannot compute it. */
  maxCostUsd: string
  /** What a proposal waits for before anything is reserved. */
  admit: Admission
}

const PROVIDER = 'foreign'

/** Reserves and books what a Proposer spends whose calls do not go through models/, by what its response says. */
export function meteredProposer(proposer: Proposer, options: MeteredOptions): Proposer {
  const { db, clock } = options
  const worstCase = new Usd(options.maxCostUsd)
  return {
    propose: (input) =>
      observeModelCall(
        { proposer: input.proposer, provider: PROVIDER, model: input.proposer, signal: input.signal },
        () => proposePaid(input),
      ),
  }

  async function proposePaid(input: ProposeInput): Promise<ProposerResponse> {
    await options.admit(input)
    const startedAt = clock.now()
    const { workOrderId, attempt, proposer: name } = input
    const call = { workOrderId, attempt, proposer: name, provider: PROVIDER, model: name }
    const reservationId = await reserve(db, call, worstCase)
    const response = await proposer.propose(input).catch(async (error: unknown) => {
      await (wasNeverSent(toFault(error).cause) ? release : leaveUnresolved)(db, reservationId)
      throw error
    })
    const cost = response.cost_unknown === true ? worstCase : new Usd(response.cost)
    if (cost.greaterThan(mostCredible(worstCase))) {
      await leaveUnresolved(db, reservationId)
      throw tooDear(name, cost, worstCase)
    }
    const durationMs = clock.now().getTime() - startedAt.getTime()
    await bookCall(options, rowOf(input, response, { cost, reservationId, startedAt, durationMs }), { cost })
    return response
  }
}

function tooDear(name: string, cost: Usd, worstCase: Usd): Fault {
  const most = `the ${shownUsd(mostCredible(worstCase))} that may be true where MOOSE_PROPOSER_MAX_COST_USD is ${shownUsd(worstCase)}`
  return new Fault(
    'proposer_refused',
    `The answer of the Proposer for ${name} says it cost ${shownUsd(cost)}, more than ${most}, and is not taken. Its call is unresolved: see what it did cost, and type: moose budget settle. Where the answer is right, raise MOOSE_PROPOSER_MAX_COST_USD.`,
  )
}

type Booking = { cost: Usd; reservationId: string; startedAt: Date; durationMs: number }

function rowOf(
  { workOrderId, attempt }: ProposeInput,
  { token_usage: usage, proposer_used, replayed }: ProposerResponse,
  { cost, reservationId, startedAt, durationMs }: Booking,
) {
  // Postgres holds no NUL.
  const said = proposer_used.replaceAll('\0', '')
  return {
    work_order_id: workOrderId,
    attempt,
    proposer: said,
    provider: PROVIDER,
    model: said,
    input_tokens: usage === undefined ? 0 : usage.input,
    output_tokens: usage === undefined ? 0 : usage.output,
    cost_usd: cost.toFixed(),
    reservation_id: reservationId,
    finish_reason: 'stop',
    replayed: replayed === true,
    duration_ms: durationMs,
    started_at: startedAt,
  }
}

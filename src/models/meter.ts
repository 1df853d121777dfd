import type { Fault } from '../faults/fault.ts'
import type { Usd } from '../money.ts'
import { type BookDeps, bookCall, type Charge } from './book-call.ts'
import type { ModelCall, PricedUsage, RawAnswer } from './model-answer.ts'
import { costOf, type Price } from './price.ts'
import { keptAnswer, requestKey } from './remembered-answers.ts'

/** A try of a call: what is known of it while it runs. */
export type Try = {
  call: ModelCall
  signal: AbortSignal
  startedAt: Date
  price: Price
  /** The most it can cost. */
  worstCase: Usd
  reservationId: string
}

/** How a try ended: with an answer that may be of no use, or without one. */
export type Ending = { answer: RawAnswer; fault: Fault | null } | { answer: null; fault: Fault }

const NO_USAGE: PricedUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 }

/** What an answer has cost, also one of no use. A server that does not count its tokens is taken at the worst. */
export function costOfAnswer({ price, worstCase }: Pick<Try, 'price' | 'worstCase'>, { usage }: RawAnswer): Usd {
  return usage === null ? worstCase : costOf(price, usage)
}

/**
 * Books a try, also one that failed.
 *
 * @returns how long the try took, in ms
 * @throws {Fault} `database_unreachable`
 */
export async function meter(deps: BookDeps, current: Try, ending: Ending): Promise<number> {
  const { call, startedAt } = current
  const durationMs = deps.clock.now().getTime() - startedAt.getTime()
  await bookCall(deps, rowOf(current, ending, durationMs), chargeOf(current, ending))
  const errorCode = ending.fault === null ? null : ending.fault.code
  deps.log.debug({ proposer: call.proposer.name, turn: call.turn, durationMs, errorCode }, 'model call')
  return durationMs
}

function chargeOf(current: Try, { answer, fault }: Ending): Charge {
  if (answer !== null) return { cost: costOfAnswer(current, answer) }
  return fault.details['billed'] === false ? 'released' : 'unresolved'
}

function rowOf(current: Try, { answer, fault }: Ending, durationMs: number) {
  const { call, price, startedAt, reservationId } = current
  const { proposer, workOrderId, attempt } = call
  const usage = answer === null || answer.usage === null ? NO_USAGE : answer.usage
  return {
    work_order_id: workOrderId,
    attempt,
    proposer: proposer.name,
    provider: proposer.provider,
    model: proposer.model,
    input_tokens: usage.input,
    output_tokens: usage.output,
    cache_read_tokens: usage.cacheRead,
    cache_write_tokens: usage.cacheWrite,
    reasoning_tokens: usage.reasoning,
    cost_usd: answer === null ? null : costOfAnswer(current, answer).toFixed(),
    price: JSON.stringify(price),
    reservation_id: reservationId,
    finish_reason: answer === null ? null : answer.finishReason,
    error_code: fault === null ? null : fault.code,
    replayed: proposer.provider === 'replay',
    duration_ms: durationMs,
    started_at: startedAt,
    request_key: requestKey(call),
    answer: answer === null || fault !== null ? null : keptAnswer(answer.text),
  }
}

import type { Kysely } from 'kysely'
import { leaveUnresolved, release, settle } from '../budget/ledger.ts'
import { type Clock, NEVER_ABORTED } from '../clock.ts'
import { isConnectionLoss, reasonOf } from '../db/database-fault.ts'
import { recordModelCall } from '../db/model-calls.ts'
import type { Database } from '../db/schema.ts'
import { Fault } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Usd } from '../money.ts'
import type { ModelCall, PricedUsage, RawAnswer } from './model-answer.ts'
import { costOf, type Price } from './price.ts'
import { requestKey } from './remembered-answers.ts'
import { withRetries } from './retry.ts'

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

export type MeterDeps = { db: Kysely<Database>; clock: Clock; log: Log }

const NO_USAGE: PricedUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 }

/** What an answer has cost, also one of no use. A server that does not count its tokens is taken at the worst. */
export function costOfAnswer({ price, worstCase }: Pick<Try, 'price' | 'worstCase'>, { usage }: RawAnswer): Usd {
  return usage === null ? worstCase : costOf(price, usage)
}

/**
 * Books a try, also one that failed: its row of `model_calls` and the end of its reservation, in one transaction. When
 * the database is away it is waited for a little; after that the reservation stays.
 *
 * @returns how long the try took, in ms
 * @throws {Fault} `database_unreachable`
 */
export async function meter({ db, clock, log }: MeterDeps, current: Try, ending: Ending): Promise<number> {
  const { call, startedAt } = current
  const durationMs = clock.now().getTime() - startedAt.getTime()
  const book = () =>
    db.transaction().execute(async (transaction) => {
      await recordModelCall(transaction, rowOf(current, ending, durationMs))
      await endReservation(transaction, current, ending)
    })
  const onRetry = (fault: Fault) => log.warn({ reason: fault.message }, 'a model call is booked again')
  await withRetries({ clock, random: () => 0, signal: NEVER_ABORTED, onRetry }, () => book().catch(throwNamed))
  const errorCode = ending.fault === null ? null : ending.fault.code
  log.debug({ proposer: call.proposer.name, turn: call.turn, durationMs, errorCode }, 'model call')
  return durationMs
}

function rowOf(current: Try, { answer, fault }: Ending, durationMs: number): Parameters<typeof recordModelCall>[1] {
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
    answer: answer === null || fault !== null ? null : Buffer.from(answer.text),
  }
}

async function endReservation(db: Kysely<Database>, current: Try, { answer, fault }: Ending): Promise<void> {
  const { reservationId } = current
  if (answer !== null) return settle(db, reservationId, costOfAnswer(current, answer))
  if (fault?.details['billed'] === false) return release(db, reservationId)
  return leaveUnresolved(db, reservationId)
}

function throwNamed(error: unknown): never {
  if (!isConnectionLoss(error)) throw error
  throw new Fault('database_unreachable', `The database went away: ${reasonOf(error)}.`, {}, error)
}

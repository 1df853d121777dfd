import type { Insertable, Kysely } from 'kysely'
import { announceEmergency } from '../budget/emergency.ts'
import { leaveUnresolved, release, settle } from '../budget/ledger.ts'
import type { Clock } from '../clock.ts'
import { recordModelCall } from '../db/model-calls.ts'
import type { Database } from '../db/schema.ts'
import { untilDatabaseAnswers } from '../db/until-database-answers.ts'
import { type Fault, toFault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { Log } from '../log.ts'
import { Usd } from '../money.ts'
import { noteModelCall } from '../telemetry/observe-model-call.ts'
import type { ModelCall, PricedUsage, RawAnswer } from './model-answer.ts'
import { costOf, type Price } from './price.ts'
import { keptAnswer, requestKey } from './remembered-answers.ts'

export type BookDeps = { db: Kysely<Database>; clock: Clock; log: Log }

/** How the reservation of a call ends; `unresolved`: it is unknown whether it was charged. */
export type Charge = { cost: Usd } | 'released' | 'unresolved'

type CallRow = Insertable<Database['model_calls']> & { reservation_id: string }

/**
 * Books a call that has ended: its row and the end of its reservation, in one transaction. The answer is paid and in hand:
 * as long as this process lives, it waits for a database to book it in. A repetition changes nothing.
 *
 * @throws whatever is wrong with the row, when the reservation has been ended all the same
 */
export async function bookCall(deps: BookDeps, row: CallRow, charge: Charge): Promise<void> {
  const { db, clock, log } = deps
  const onPause = (reason: string) => log.warn({ reason }, 'a model call is booked again')
  const book = () =>
    db.transaction().execute(async (transaction) => {
      await recordModelCall(transaction, row)
      await endReservation(transaction, row.reservation_id, charge).catch((error: unknown) => keepBooked(error, log))
    })
  await untilDatabaseAnswers({ clock, onPause }, () => faultPoint('book_call', book)).catch(async (error: unknown) => {
    // A row that cannot be stored must not leave the reservation open.
    await endReservation(db, row.reservation_id, charge)
    throw error
  })
  noteModelCall(row)
  // The booking stands even when this fails: every process looks for itself now and then.
  await announceEmergency(db).catch((error: unknown) =>
    log.warn({ reason: toFault(error).message }, 'the emergency stop could not be announced'),
  )
}

function endReservation(db: Kysely<Database>, reservationId: string, charge: Charge): Promise<void> {
  if (charge === 'released') return release(db, reservationId)
  if (charge === 'unresolved') return leaveUnresolved(db, reservationId)
  return settle(db, reservationId, charge.cost)
}

/** A call that was reconciled while it was still being made: that booking stands, and the answer counts all the same. */
function keepBooked(error: unknown, log: Log): void {
  const fault = toFault(error)
  if (fault.code !== 'reservation_conflict') throw error
  log.warn(fault.details, 'a call had been booked before it ended')
}

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

export const NO_USAGE: PricedUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 }

/** A server that charges more has made a mistake, or means harm: it would use up the caps of all orders. */
const MOST_TIMES_WORST_CASE = 100
/** May always be true: what is taken to cost nothing may have got a price. */
const ALWAYS_CREDIBLE = new Usd(1)

/** The most that a server may state as its charge for a call, by the most that was to cost. */
export function mostCredible(worstCase: Usd): Usd {
  return Usd.max(worstCase.times(MOST_TIMES_WORST_CASE), ALWAYS_CREDIBLE)
}

/**
 * What an answer has cost, also one of no use: what the server says it charges, if that may be true, else its tokens. A server
 * that does not count them is taken at the worst.
 */
export function costOfAnswer({ price, worstCase }: Pick<Try, 'price' | 'worstCase'>, answer: RawAnswer): Usd {
  const { usage, statedCost } = answer
  const isStated =
    statedCost !== null && price.source !== 'free' && statedCost.lessThanOrEqualTo(mostCredible(worstCase))
  if (isStated) return statedCost
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

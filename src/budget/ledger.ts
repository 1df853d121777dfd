import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import pLimit from 'p-limit'
import { systemClock } from '../clock.ts'
import { assertNotTakenOver } from '../db/attempts/hold-attempt.ts'
import {
  countUnderWay,
  type Ending,
  entriesOf,
  insertEnding,
  insertReservation,
  insertUnresolved,
  isReserved,
  lockReservations,
  type PaidCall,
  unresolvedUnder,
} from '../db/budget-entries/reservations.ts'
import { isSqlState, reasonOf } from '../db/database-fault.ts'
import type { Database } from '../db/schema.ts'
import { untilDatabaseAnswers } from '../db/until-database-answers.ts'
import { Fault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import { Usd } from '../money.ts'
import { hardCapOf } from './caps.ts'
import { type Ceiling, ceilingsOf, leftBelow, overCap } from './ceilings.ts'
import { emergencyOf } from './emergency.ts'
import { readBudgetRules } from './limits.ts'

type Db = Kysely<Database>

/** How long a call waits for the lock of the ledger; later ones get a fault that is worth a retry. */
const LONGEST_WAIT_MS = 10_000

/** One of each process waits at the lock: more would only take up its connections. */
const inTurn = pLimit(1)

const WAITING = { clock: systemClock }

/**
 * Sets aside the most a call can cost, in one transaction that lets one through at a time: the sum of what is spent and
 * reserved passes no cap, however many ask at once.
 *
 * While the database is away, every reservation of this process waits for it, also after its signal is aborted: a
 * reservation whose commit was not answered may be there, and only the database can tell. It is found under its number
 * instead of being made twice, and a caller that has stopped meanwhile still knows of it.
 *
 * @param maxUnderWay how many calls to one provider may be under way, over all processes; null: any number
 * @returns the reservation
 * @throws {Fault} `attempt_taken_over`, `provider_busy`, `budget_exceeded` naming the cap, `emergency_stop`,
 *   `config_invalid` for limits that cannot be read, `ledger_unsound`, `database_unreachable` when it is too busy
 */
export async function reserve(
  db: Db,
  call: PaidCall,
  worstCase: Usd,
  maxUnderWay: number | null = null,
): Promise<string> {
  const reservationId = randomUUID()
  const wanted = { reservationId, worstCase, maxUnderWay }
  return inTurn(() =>
    untilDatabaseAnswers(WAITING, () => faultPoint('reserve', () => reserveAlone(db, call, wanted))).catch(
      async (error: unknown) => {
        await untilDatabaseAnswers(WAITING, () => releaseUnused(db, reservationId, error))
        throw error
      },
    ),
  )
}

/** Releases a reservation its caller does not learn of: no call is sent with it. A refusal comes before anything is reserved. */
async function releaseUnused(db: Db, reservationId: string, error: unknown): Promise<void> {
  if (error instanceof Fault && error.code !== 'database_unreachable') return
  if (await isReserved(db, reservationId)) await release(db, reservationId)
}

type ReservationRequest = { reservationId: string; worstCase: Usd; maxUnderWay: number | null }

function reserveAlone(db: Db, call: PaidCall, wanted: ReservationRequest): Promise<string> {
  return (
    db
      .transaction()
      // The sums must be read after the lock is there, whatever the database's default.
      .setIsolationLevel('read committed')
      .execute((transaction) => reserveBehindLock(transaction, call, wanted))
      .catch((error: unknown) => Promise.reject(isSqlState(error, ...TOO_BUSY) ? tooBusy(error) : error))
  )
}

/** @see https://www.postgresql.org/docs/current/errcodes-appendix.html (waited too long, or for each other) */
const TOO_BUSY = ['55P03', '57014', '40001', '40P01', '25P03']

function tooBusy(cause: unknown): Fault {
  return new Fault('database_unreachable', `Another transaction holds the ledger: ${reasonOf(cause)}.`, {}, cause)
}

async function reserveBehindLock(
  transaction: Db,
  call: PaidCall,
  { reservationId, worstCase, maxUnderWay }: ReservationRequest,
): Promise<string> {
  await lockReservations(transaction, LONGEST_WAIT_MS)
  if (await isReserved(transaction, reservationId)) return reservationId
  if (call.workOrderId !== null && call.attempt !== null) {
    await assertNotTakenOver(transaction, { workOrderId: call.workOrderId, attempt: call.attempt })
  }
  if (maxUnderWay !== null) await assertPlace(transaction, call, maxUnderWay)
  const { refusal, day, month } = await judged(transaction, call, worstCase)
  if (refusal !== null) throw refusal
  await insertReservation(transaction, call, { reservationId, amount: worstCase.toFixed(), day, month })
  return reservationId
}

/**
 * What `reserve` would refuse a call with at this moment; null: there is room for it. Nothing is reserved.
 *
 * @param orderCap the cap of the order in place of the one it has; null: the usual one. Left out: as it is
 * @throws {Fault} `config_invalid`, `ledger_unsound`
 */
export async function refusalOf(db: Db, call: PaidCall, worstCase: Usd, orderCap?: Usd | null): Promise<Fault | null> {
  return (await judged(db, call, worstCase, orderCap)).refusal
}

async function judged(
  db: Db,
  call: PaidCall,
  worstCase: Usd,
  orderCap?: Usd | null,
): Promise<{ refusal: Fault | null; day: string; month: string }> {
  const rules = await readBudgetRules(db)
  const { ceilings, day, month } = await ceilingsOf(db, rules, call, orderCap)
  const killed = whyKilled(rules.stopped, ceilings)
  const [passed, ...others] = killed === null ? passedBy(ceilings, worstCase) : []
  if (passed === undefined) return { refusal: killed, day, month }
  const { summedBy } = hardCapOf(passed.scope)
  const unresolved = await unresolvedUnder(db, summedBy, { workOrderId: call.workOrderId, day, month })
  return { refusal: overCap(call, passed, { worstCase, unresolved: new Usd(unresolved), others }), day, month }
}

/** @throws {Fault} `provider_busy` */
async function assertPlace(db: Db, { provider }: PaidCall, maxUnderWay: number): Promise<void> {
  const count = await countUnderWay(db, provider)
  if (count < maxUnderWay) return
  const message = `${count} calls to ${provider} are under way, and no more than ${maxUnderWay} may be.`
  throw new Fault('provider_busy', message, { provider, max_calls: maxUnderWay })
}

/**
 * A call was charged with so much. The same again changes nothing.
 *
 * @throws {Fault} `reservation_conflict` when it was ended otherwise before, `not_found`
 */
export async function settle(db: Db, reservationId: string, cost: Usd): Promise<void> {
  await end(db, reservationId, { kind: 'settled', cost: cost.toFixed() })
}

/** A call was not charged. The same again changes nothing. @throws {Fault} `reservation_conflict`, `not_found` */
export async function release(db: Db, reservationId: string): Promise<void> {
  await end(db, reservationId, { kind: 'released', cost: null })
}

/**
 * It is unknown whether a call was charged: it stays reserved until it is reconciled. One that could cost nothing is
 * released. A repetition changes nothing.
 */
export async function leaveUnresolved(db: Db, reservationId: string): Promise<void> {
  await insertUnresolved(db, reservationId)
}

async function end(db: Db, reservationId: string, ending: Ending): Promise<void> {
  if (!(await insertEnding(db, reservationId, ending))) await assertEndedSo(db, reservationId, ending)
}

async function assertEndedSo(db: Db, reservationId: string, { kind, cost }: Ending): Promise<void> {
  const entries = await entriesOf(db, reservationId)
  const details = { reservation_id: reservationId }
  if (entries.length === 0) {
    throw new Fault('not_found', `There is no reservation ${reservationId}. See them with: moose budget`, details)
  }
  const isSame = (entry: (typeof entries)[number]) =>
    entry.kind === kind && (cost === null || new Usd(cost).equals(String(entry.cost_usd)))
  if (entries.some(isSame)) return
  const message = `The reservation ${reservationId} has been settled or released otherwise before. See: moose budget`
  throw new Fault('reservation_conflict', message, details)
}

/** What costs nothing passes no cap, also where one is passed already. */
function passedBy(ceilings: readonly Ceiling[], worstCase: Usd): Ceiling[] {
  return worstCase.isZero() ? [] : ceilings.filter((ceiling) => leftBelow(ceiling).lessThan(worstCase))
}

function whyKilled(byHand: boolean, ceilings: readonly Ceiling[]): Fault | null {
  const kill = ceilings.find(({ scope }) => scope === 'emergency_kill')
  return emergencyOf(byHand, kill === undefined ? null : kill)
}

import type { Kysely } from 'kysely'
import type { BillBody, Reconciliation, SettledReservation } from '../contract/budget-changes.ts'
import {
  findReservationStates,
  hasReserved,
  isPast,
  type Period,
  type ReservationState,
  readReservationState,
  readReservationStates,
} from '../db/budget-entries/reservation-states.ts'
import { lockReconciliation, replaceReservation, reservationsLeftBehind } from '../db/budget-entries/reservations.ts'
import { priceSettledCalls } from '../db/model-calls.ts'
import { isProposer, knownProposers } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { NO_USD, shownUsd, statedUsd, type Usd } from '../money.ts'
import { announceEmergency } from './emergency.ts'
import { leaveUnresolved, release, settle } from './ledger.ts'

type Db = Kysely<Database>

/**
 * Marks what a dead process left: reservations of attempts of this home that another process made; of attempts that run
 * nowhere, those no living worker made; and, of calls without an attempt, those too old to be under way on any machine, or
 * dated later than any clock may be wrong.
 * A call that ends after all is booked all the same.
 *
 * @param homeId of this home, which this process must own
 * @returns how many were marked; those that could cost nothing are released and not counted
 */
export async function markLeftBehind(db: Db, homeId: string): Promise<number> {
  const left = await reservationsLeftBehind(db, homeId)
  for (const { id } of left) await leaveUnresolved(db, id)
  return left.filter(({ is_free }) => !is_free).length
}

/**
 * Books what an unresolved call has cost; 0: it was not charged. A reservation whose entries break the rules
 * of the ledger is put right by it. The same again changes nothing.
 *
 * @param idOrPrefix of the reservation
 * @throws {Fault} `not_found`, `reservation_conflict` for one that is under way or has been booked otherwise before
 */
export async function settleByHand(db: Db, idOrPrefix: string, cost: Usd): Promise<SettledReservation> {
  return alone(db, async (transaction) => {
    const { id, state } = await findState(transaction, idOrPrefix)
    if (state === 'under_way') {
      const message =
        `The call of the reservation ${id} is under way and is booked when it ends. If its process is gone, the next ` +
        'moose up of its home marks it as unresolved, after an hour where it belongs to no attempt.'
      throw new Fault('reservation_conflict', message, { reservation_id: id })
    }
    await priceSettledCalls(transaction, [await book(transaction, { id, state }, cost)])
    return { id, cost_usd: cost.toNumber() }
  })
}

const SHORTEST_PREFIX = 4

/** @param idOrPrefix as it was typed @throws {Fault} `not_found`, also when it fits several */
async function findState(db: Db, idOrPrefix: string): Promise<ReservationState> {
  const prefix = idOrPrefix.toLowerCase()
  const isId = /^[0-9a-f-]+$/.test(prefix) && prefix.length >= SHORTEST_PREFIX
  const [found, second] = isId ? await findReservationStates(db, prefix) : []
  if (found !== undefined && second === undefined) return found
  const shown = idOrPrefix.slice(0, 80)
  const message =
    found === undefined
      ? `There is no reservation "${shown}". See those that are open with: moose budget`
      : `"${shown}" fits several reservations. Give more of the id.`
  throw new Fault('not_found', message, { reservation_id: shown })
}

/**
 * Compares the ledger with a provider's bill and books what was unresolved, all of it or nothing. What is under way, or
 * has been booked before, is left as it is; so is what is booked elsewhere meanwhile. Again with the same bill, nothing
 * changes.
 *
 * @throws {Fault} `request_invalid` for a bill that claims to know the future; `reservation_conflict` for one that names a
 *   call twice with different costs
 */
export async function reconcile(db: Db, bill: BillBody): Promise<Reconciliation> {
  const result: Reconciliation = { settled: [], released: [], agreeing: 0, differing: [], under_way: [], unknown: [] }
  const billed = billedCosts(bill)
  return alone(db, async (transaction) => {
    const states = await readReservationStates(transaction, [...billed.keys()], await periodOf(transaction, bill))
    const known = new Set(states.map(({ id }) => id))
    result.unknown = [...billed.keys()].filter((id) => !known.has(id))
    for (const one of states) {
      const booked = await bookBilled(transaction, one, { billed: billed.get(one.id), result })
      await priceSettledCalls(transaction, booked)
    }
    return result
  })
}

/** By the id of the reservation, in lower case. A call that the bill names twice alike is one. */
function billedCosts({ entries }: BillBody): Map<string, Usd> {
  const billed = new Map<string, Usd>()
  for (const { request_id, cost_usd } of entries) {
    const [id, cost] = [request_id.toLowerCase(), statedUsd(cost_usd)]
    const before = billed.get(id)
    if (before !== undefined && !before.equals(cost)) {
      const message = `The bill names ${id} twice, with ${shownUsd(before)} and with ${shownUsd(cost)}; nothing was changed. Correct the bill and send it again.`
      throw new Fault('reservation_conflict', message, { reservation_id: id })
    }
    billed.set(id, cost)
  }
  return billed
}

/** @returns null: of calls the bill does not name, nothing is known */
async function periodOf(db: Db, { complete_until: until, provider, proposer }: BillBody): Promise<Period | null> {
  if (until === undefined) return null
  if (!(await isPast(db, until))) {
    const message = `No bill is complete until ${until}: that time is not over. Name the time up to which it names every charged call.`
    throw new Fault('request_invalid', message, { complete_until: until })
  }
  // One that was removed may have calls that are still to be reconciled.
  if (proposer !== undefined && !(await isProposer(db, proposer)) && !(await hasReserved(db, proposer))) {
    const message = `There is no proposer "${proposer}", and none of that name has made a call. ${await knownProposers(db)}`
    throw new Fault('request_invalid', message, { proposer })
  }
  return { until, provider, proposer }
}

type Booking = { billed: Usd | undefined; result: Reconciliation }

/** @returns the id under which something was booked; empty where nothing was */
async function bookBilled(db: Db, one: ReservationState, { billed, result }: Booking): Promise<string[]> {
  const { id, state, amount } = one
  const isOpen = state === 'unresolved' || (state === 'disputed' && billed !== undefined)
  if (!isOpen) return compare(one, { billed, result })
  try {
    const booked = await book(db, one, billed === undefined ? NO_USD : billed)
    if (billed === undefined) result.released.push({ id, amount_usd: Number(amount) })
    else result.settled.push({ id, cost_usd: billed.toNumber() })
    return [booked]
  } catch (error) {
    if (toFault(error).code !== 'reservation_conflict') throw error
    // A call that was given up has ended after all.
    return compare(await readReservationState(db, id), { billed, result })
  }
}

function compare({ id, booked }: ReservationState, { billed, result }: Booking): [] {
  if (billed === undefined) return []
  if (booked === null) result.under_way.push(id)
  else if (billed.equals(booked)) result.agreeing += 1
  else result.differing.push({ id, booked_usd: Number(booked), billed_usd: billed.toNumber() })
  return []
}

/** @returns the id under which it is booked */
async function book(db: Db, { id, state }: Pick<ReservationState, 'id' | 'state'>, cost: Usd): Promise<string> {
  if (state === 'disputed' || state === 'void') return putRight(db, id, cost)
  await (cost.isZero() ? release(db, id) : settle(db, id, cost))
  return id
}

/** @returns the id of the reservation in place of one whose entries break the rules of the ledger */
async function putRight(db: Db, id: string, cost: Usd): Promise<string> {
  const instead = await replaceReservation(db, id, cost.toFixed())
  await settle(db, instead, cost)
  return instead
}

/** One after the other, each in one transaction; after it every process is told whether an emergency stop is in force. */
async function alone<Result>(db: Db, work: (transaction: Db) => Promise<Result>): Promise<Result> {
  const result = await db.transaction().execute(async (transaction) => {
    await lockReconciliation(transaction)
    return work(transaction)
  })
  await announceEmergency(db).catch((error: unknown) => {
    // With limits that cannot be read, nothing is spent anyway.
    if (toFault(error).code !== 'config_invalid') throw error
  })
  return result
}

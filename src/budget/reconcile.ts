import { type Kysely, sql } from 'kysely'
import type { BillBody, Reconciliation, SettledReservation } from '../contract/budget-changes.ts'
import { priceSettledCalls } from '../db/model-calls.ts'
import type { Database } from '../db/schema.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { NO_USD, Usd } from '../money.ts'
import { processId } from '../process/process-id.ts'
import { announceEmergency } from './emergency.ts'
import { leaveUnresolved, release, SAID_ALIKE, settle } from './ledger.ts'
import {
  findStanding,
  idInPlaceOf,
  type Period,
  type ReservationState,
  readStanding,
  readStandings,
} from './reservation-states.ts'

type Db = Kysely<Database>

/** Longer than any call lasts, with all its patience. */
const NO_CALL_LASTS = '1 hour'

/** Any fixed number; who books by hand or by a bill queues for it, so that what he has read stays so. */
const RECONCILE_LOCK = 7_301_600_044n

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
  const { rows } = await sql<{ id: string; is_free: boolean }>`
    select open.reservation_id as id, open.amount_usd = 0 as is_free from budget_open_reservations as open
    left join attempts on attempts.work_order_id = open.work_order_id and attempts.number = open.attempt
    where not open.unresolved and open.holder <> ${processId}
      and case
        when attempts.executor_id is null then open.at not between moose_now() - ${NO_CALL_LASTS}::interval
          and moose_now() + ${NO_CALL_LASTS}::interval
        when attempts.executor_id = ${homeId} then true
        else attempts.status <> 'running' and not exists (
          select from workers where workers.holder = open.holder and workers.lease_until > clock_timestamp()
        )
      end
  `.execute(db)
  for (const { id } of rows) await leaveUnresolved(db, id)
  return rows.filter(({ is_free }) => !is_free).length
}

/**
 * Books what one call of which nobody knew it has cost; 0: it was not charged. A reservation whose entries break the rules
 * of the ledger is put right by it. The same again changes nothing.
 *
 * @param idOrPrefix of the reservation
 * @throws {Fault} `not_found`, `reservation_conflict` for one that is under way or has been booked otherwise before
 */
export async function settleByHand(db: Db, idOrPrefix: string, cost: Usd): Promise<SettledReservation> {
  return alone(db, async (transaction) => {
    const { id, state } = await findStanding(transaction, idOrPrefix)
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

/**
 * Compares the ledger with a provider's bill and books what was unresolved, all of it or nothing. What is under way, or
 * has been booked before, is left as it is; so is what somebody else books meanwhile. Again with the same bill, nothing
 * changes.
 *
 * @throws {Fault} `request_invalid` for a bill that claims to know the future
 */
export async function reconcile(db: Db, bill: BillBody): Promise<Reconciliation> {
  const result: Reconciliation = { settled: [], released: [], agreeing: 0, differing: [], under_way: [], unknown: [] }
  const billed = new Map(
    bill.entries.map(({ request_id: id, cost_usd: cost }) => [id.toLowerCase(), new Usd(String(cost))]),
  )
  return alone(db, async (transaction) => {
    const standings = await readStandings(transaction, [...billed.keys()], await periodOf(transaction, bill))
    const known = new Set(standings.map(({ id }) => id))
    result.unknown = [...billed.keys()].filter((id) => !known.has(id))
    for (const one of standings) {
      const booked = await bookBilled(transaction, one, { billed: billed.get(one.id), result })
      await priceSettledCalls(transaction, booked)
    }
    return result
  })
}

/** @returns null: of calls the bill does not name, nothing is known */
async function periodOf(db: Db, { complete_until: until, provider, proposer }: BillBody): Promise<Period | null> {
  if (until === undefined) return null
  const { rows } = await sql<{ over: boolean }>`select ${until}::timestamptz <= moose_now() as over`.execute(db)
  if (rows[0]?.over !== true) {
    const message = `No bill is complete until ${until}: that time is not over. Name the time up to which it names every charged call.`
    throw new Fault('request_invalid', message, { complete_until: until })
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
    // A call nobody knew of any more has ended after all.
    return compare(await readStanding(db, id), { billed, result })
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

/**
 * Has entries that break the rules of the ledger count no longer, and books what their call has cost in their place, as a
 * reservation of its own. They stay as they are.
 */
async function putRight(db: Db, id: string, cost: Usd): Promise<string> {
  const first = sql`from budget_entries where reservation_id = ${id} order by kind <> 'reserved', id limit 1`
  await sql`
    insert into budget_entries (reservation_id, ${SAID_ALIKE}, kind, amount_usd, holder)
    select reservation_id, ${SAID_ALIKE}, 'void', 0, ${processId}::uuid ${first} on conflict do nothing
  `.execute(db)
  const { rows } = await sql<{ id: string }>`select ${idInPlaceOf(sql`${id}::text`)} as id`.execute(db)
  const instead = String(rows[0]?.id)
  await sql`
    insert into budget_entries (reservation_id, ${SAID_ALIKE}, kind, amount_usd, holder)
    select ${instead}::uuid, ${SAID_ALIKE}, 'reserved', ${cost.toFixed()}::numeric, ${processId}::uuid ${first} on conflict do nothing
  `.execute(db)
  await settle(db, instead, cost)
  return instead
}

/** One after the other, each in one transaction; after it everybody hears whether everything has to stop. */
async function alone<Result>(db: Db, work: (transaction: Db) => Promise<Result>): Promise<Result> {
  const result = await db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${RECONCILE_LOCK})`.execute(transaction)
    return work(transaction)
  })
  await announceEmergency(db).catch((error: unknown) => {
    // With limits nobody can read, nothing is spent anyway.
    if (toFault(error).code !== 'config_invalid') throw error
  })
  return result
}

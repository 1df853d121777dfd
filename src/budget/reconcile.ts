import { type Kysely, sql } from 'kysely'
import type { BillBody, Reconciliation, SettledReservation } from '../contract/budget-changes.ts'
import type { Database } from '../db/schema.ts'
import { Fault } from '../errors.ts'
import { Usd } from '../money.ts'
import { HOLDER, leaveUnresolved, release, settle } from './ledger.ts'

type Db = Kysely<Database>

/** Longer than any call lasts, with all its patience. */
const NO_CALL_LASTS = '1 hour'

const SHORTEST_PREFIX = 4

type Standing = {
  id: string
  state: 'under_way' | 'unresolved' | 'ended'
  /** The most it could cost. */
  amount: string
  /** What it was booked with; null while it is open. */
  booked: string | null
}

/**
 * Marks what a dead process left: reservations of attempts of this home that another process made, and, of calls
 * without an attempt, those too old to be under way on any machine. A call that ends after all is booked all the same.
 *
 * @param executorId of this home, which this process must own
 * @returns how many were marked
 */
export async function markLeftBehind(db: Db, executorId: string): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    select reserved.reservation_id as id from budget_entries as reserved
    left join attempts on attempts.work_order_id = reserved.work_order_id and attempts.number = reserved.attempt
    where reserved.kind = 'reserved' and reserved.holder <> ${HOLDER}
      and case
        when attempts.executor_id is null then reserved.at < moose_now() - ${NO_CALL_LASTS}::interval
        else attempts.executor_id = ${executorId}
      end
      and not exists (
        select from budget_entries as other
        where other.reservation_id = reserved.reservation_id and other.kind <> 'reserved'
      )
  `.execute(db)
  for (const { id } of rows) await leaveUnresolved(db, id)
  return rows.length
}

/**
 * Books what one call of which nobody knew it has cost; 0: it was not charged.
 *
 * @param idOrPrefix of the reservation
 * @throws {Fault} `not_found`, `reservation_conflict` for one that is under way or has been booked before
 */
export async function settleByHand(db: Db, idOrPrefix: string, cost: Usd): Promise<SettledReservation> {
  const { id, state } = await findReservation(db, idOrPrefix)
  if (state === 'under_way') {
    const message = `The call of the reservation ${id} is under way and is booked when it ends. If its process is gone, the next moose up says so.`
    throw new Fault('reservation_conflict', message, { reservation_id: id })
  }
  await book(db, id, cost)
  return { id, cost_usd: cost.toNumber() }
}

/**
 * Compares the ledger with a provider's bill and books what was unresolved. What is under way, or has been booked
 * before, is left as it is. Again with the same bill, nothing changes.
 */
export async function reconcile(db: Db, { entries, complete }: BillBody): Promise<Reconciliation> {
  const result: Reconciliation = { settled: [], released: [], agreeing: 0, differing: [], under_way: [], unknown: [] }
  const billed = new Map(entries.map(({ request_id: id, cost_usd: cost }) => [id.toLowerCase(), new Usd(String(cost))]))
  const standing = await readStanding(db, [...billed.keys()])
  const known = new Set(standing.map(({ id }) => id))
  result.unknown = [...billed.keys()].filter((id) => !known.has(id))
  for (const one of standing) await bookBilled(db, one, { billed: billed.get(one.id), complete, result })
  return result
}

type Booking = { billed: Usd | undefined; complete: boolean; result: Reconciliation }

async function bookBilled(db: Db, one: Standing, { billed, complete, result }: Booking): Promise<void> {
  const { id, state, amount, booked } = one
  if (billed === undefined) {
    // Beside those of the bill only unresolved ones were read.
    if (!complete) return
    await release(db, id)
    result.released.push({ id, amount_usd: Number(amount) })
  } else if (state === 'unresolved') {
    await book(db, id, billed)
    result.settled.push({ id, cost_usd: billed.toNumber() })
  } else if (booked === null) result.under_way.push(id)
  else if (billed.equals(booked)) result.agreeing += 1
  else result.differing.push({ id, booked_usd: Number(booked), billed_usd: billed.toNumber() })
}

function book(db: Db, id: string, cost: Usd): Promise<void> {
  return cost.isZero() ? release(db, id) : settle(db, id, cost)
}

async function findReservation(db: Db, idOrPrefix: string): Promise<Standing> {
  const prefix = idOrPrefix.toLowerCase()
  const isId = /^[0-9a-f-]+$/.test(prefix) && prefix.length >= SHORTEST_PREFIX
  const [found, second] = isId ? await standings(db, sql`starts_with(reserved.reservation_id::text, ${prefix})`) : []
  if (found !== undefined && second === undefined) return found
  const shown = idOrPrefix.slice(0, 80)
  const message =
    found === undefined
      ? `There is no reservation "${shown}". See those that are open with: moose budget`
      : `"${shown}" fits several reservations. Give more of the id.`
  throw new Fault('not_found', message, { reservation_id: shown })
}

/** How those of a bill stand, and all that are unresolved; oldest first. */
function readStanding(db: Db, ids: readonly string[]): Promise<Standing[]> {
  return standings(
    db,
    sql`reserved.reservation_id::text = any(${ids}) or (marked.reservation_id is not null and ended.reservation_id is null)`,
  )
}

async function standings(db: Db, condition: ReturnType<typeof sql>): Promise<Standing[]> {
  const { rows } = await sql<Standing>`
    select reserved.reservation_id as id, reserved.amount_usd as amount,
      case when ended.kind = 'settled' then ended.cost_usd when ended.kind = 'released' then 0 end as booked,
      case when ended.kind is not null then 'ended' when marked.kind is not null then 'unresolved' else 'under_way' end
        as state
    from budget_entries as reserved
    left join budget_entries as marked on marked.reservation_id = reserved.reservation_id and marked.kind = 'unresolved'
    left join budget_entries as ended
      on ended.reservation_id = reserved.reservation_id and ended.kind in ('settled', 'released')
    where reserved.kind = 'reserved' and (${condition})
    order by reserved.id
  `.execute(db)
  return rows
}

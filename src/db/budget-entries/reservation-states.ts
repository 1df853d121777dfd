import { type Kysely, sql } from 'kysely'
import { UUID } from '../../work-order/uuid.ts'
import type { Database } from '../schema.ts'
import { idInPlaceOf } from './reservations.ts'

type Db = Kysely<Database>

/** Its entries break the rules of the ledger and count nowhere; `void`: what it has cost is booked in their place. */
type Broken = 'disputed' | 'void'

/** How a reservation stands. */
export type ReservationState = {
  id: string
  state: 'under_way' | 'unresolved' | 'ended' | Broken
  /** The most it could cost. */
  amount: string
  /** What it was booked with; null while it is open. */
  booked: string | null
}

/** Calls that were reserved before a time, of one provider or of one proposer. */
export type Period = { until: string; provider: string | undefined; proposer: string | undefined }

const WHOLE_ID = new RegExp(`^${UUID}$`)

/** Those whose id begins with this text, in lower case. */
export function findReservationStates(db: Db, prefix: string): Promise<ReservationState[]> {
  return states(db, sql`starts_with(first.reservation_id::text, ${prefix})`)
}

/** One that exists. */
export async function readReservationState(db: Db, id: string): Promise<ReservationState> {
  const [found] = await states(db, sql`first.reservation_id = ${id}`)
  if (found === undefined) throw new Error(`there is no reservation ${id}`)
  return found
}

/**
 * How those of a bill stand, and all of the period that are unresolved; oldest first.
 *
 * @param ids as the bill has them: any text, in lower case
 */
export function readReservationStates(
  db: Db,
  ids: readonly string[],
  period: Period | null,
): Promise<ReservationState[]> {
  const named = sql`first.reservation_id = any(${ids.filter((id) => WHOLE_ID.test(id))}::uuid[])`
  if (period === null) return states(db, named)
  const { until, provider, proposer } = period
  const whose = provider === undefined ? sql`proposer = ${proposer}` : sql`provider = ${provider}`
  const unresolved = sql`
    select reservation_id from budget_open_reservations where unresolved and at < ${until}::timestamptz and ${whose}
  `
  return states(db, sql`${named} or first.reservation_id in (${unresolved})`)
}

async function states(db: Db, condition: ReturnType<typeof sql>): Promise<ReservationState[]> {
  const { rows } = await sql<ReservationState>`
    select first.reservation_id as id, first.amount_usd as amount,
      case when open.id is null then coalesce(ended.cost_usd, 0) end as booked,
      case
        when exists (${entryOf(sql`one.kind = 'void'`)}) then 'void'
        when exists (${entryOf(sql`moose_entry_problem(one, reserved) is not null`)}) then 'disputed'
        when open.id is null then 'ended' when open.unresolved then 'unresolved' else 'under_way'
      end as state
    from (
      -- Where entries break the rules there may be no reservation among them.
      select distinct on (reservation_id) * from budget_entries as first
      where ${condition} order by reservation_id, kind <> 'reserved', id
    ) as first
    left join budget_entries as reserved on reserved.reservation_id = first.reservation_id and reserved.kind = 'reserved'
    left join budget_open_reservations as open on open.id = first.id
    left join budget_entries as ended on ended.kind = 'settled' and ended.reservation_id = ${BOOKED_UNDER}
    order by first.id
  `.execute(db)
  return rows
}

function entryOf(condition: ReturnType<typeof sql>) {
  return sql`select from budget_entries as one where one.reservation_id = first.reservation_id and ${condition}`
}

const BOOKED_UNDER = sql`case
  when exists (${entryOf(sql`one.kind = 'void'`)}) then ${idInPlaceOf(sql`first.reservation_id::text`)}
  else first.reservation_id
end`

/** Whether a time is over, by the database's clock. @param time as Postgres reads it */
export async function isPast(db: Db, time: string): Promise<boolean> {
  const { rows } = await sql<{ over: boolean }>`select ${time}::timestamptz <= moose_now() as over`.execute(db)
  return rows[0]?.over === true
}

/** Whether calls of a proposer were ever reserved, also of one that is removed. */
export async function hasReserved(db: Db, proposer: string): Promise<boolean> {
  const row = await db
    .selectFrom('budget_entries')
    .select('id')
    .where('proposer', '=', proposer)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

import { type Kysely, sql } from 'kysely'
import type { Database } from '../db/schema.ts'
import { Fault } from '../faults/fault.ts'
import { UUID } from '../work-order/uuid.ts'

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

const SHORTEST_PREFIX = 4
const WHOLE_ID = new RegExp(`^${UUID}$`)

/** @param idOrPrefix what somebody typed @throws {Fault} `not_found`, also when it fits several */
export async function findStanding(db: Db, idOrPrefix: string): Promise<ReservationState> {
  const prefix = idOrPrefix.toLowerCase()
  const isId = /^[0-9a-f-]+$/.test(prefix) && prefix.length >= SHORTEST_PREFIX
  const [found, second] = isId ? await standings(db, sql`starts_with(first.reservation_id::text, ${prefix})`) : []
  if (found !== undefined && second === undefined) return found
  const shown = idOrPrefix.slice(0, 80)
  const message =
    found === undefined
      ? `There is no reservation "${shown}". See those that are open with: moose budget`
      : `"${shown}" fits several reservations. Give more of the id.`
  throw new Fault('not_found', message, { reservation_id: shown })
}

/** One that exists. */
export async function readStanding(db: Db, id: string): Promise<ReservationState> {
  const [found] = await standings(db, sql`first.reservation_id = ${id}`)
  if (found === undefined) throw new Error(`there is no reservation ${id}`)
  return found
}

/**
 * How those of a bill stand, and all of the period that are unresolved; oldest first.
 *
 * @param ids as the bill has them: any text, in lower case
 */
export function readStandings(db: Db, ids: readonly string[], period: Period | null): Promise<ReservationState[]> {
  const named = sql`first.reservation_id = any(${ids.filter((id) => WHOLE_ID.test(id))}::uuid[])`
  if (period === null) return standings(db, named)
  const { until, provider, proposer } = period
  const whose = provider === undefined ? sql`proposer = ${proposer}` : sql`provider = ${provider}`
  const unresolved = sql`
    select reservation_id from budget_open_reservations where unresolved and at < ${until}::timestamptz and ${whose}
  `
  return standings(db, sql`${named} or first.reservation_id in (${unresolved})`)
}

async function standings(db: Db, condition: ReturnType<typeof sql>): Promise<ReservationState[]> {
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

/** What a reservation that was put right has cost is booked under an id that is made of its own. */
export const idInPlaceOf = (id: ReturnType<typeof sql>) => sql<string>`md5('in place of ' || ${id})::uuid`

const BOOKED_UNDER = sql`case
  when exists (${entryOf(sql`one.kind = 'void'`)}) then ${idInPlaceOf(sql`first.reservation_id::text`)}
  else first.reservation_id
end`

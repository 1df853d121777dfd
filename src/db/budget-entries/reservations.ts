import { type Kysely, type Selectable, sql } from 'kysely'
import { processId } from '../../process/process-id.ts'
import type { Database } from '../schema.ts'
import type { Calendar, Payer, SummedBy } from './cap-sums.ts'
import { COUNTS } from './counted-entries.ts'

type Db = Kysely<Database>

/** A try of a model call, as the ledger knows it. */
export type PaidCall = Payer & { proposer: string; provider: string; model: string }

/** Any fixed number; every reservation queues for it. */
const RESERVE_LOCK = 7_301_600_043n
/** Any fixed number; what books by hand or by a bill queues for it, so that what it has read stays so. */
const RECONCILE_LOCK = 7_301_600_044n

/**
 * Lets one reservation through at a time, until the transaction ends.
 *
 * @param longestWaitMs for the lock; a transaction that stands still for as long is ended
 */
export async function lockReservations(transaction: Db, longestWaitMs: number): Promise<void> {
  await sql`select set_config('lock_timeout', ${String(longestWaitMs)}, true),
    set_config('idle_in_transaction_session_timeout', ${String(longestWaitMs)}, true)`.execute(transaction)
  await sql`select pg_advisory_xact_lock(${RESERVE_LOCK})`.execute(transaction)
}

/** Lets one reconciliation through at a time, until the transaction ends. */
export async function lockReconciliation(transaction: Db): Promise<void> {
  await sql`select pg_advisory_xact_lock(${RECONCILE_LOCK})`.execute(transaction)
}

/** Whether there is an entry of this reservation. */
export async function isReserved(db: Db, reservationId: string): Promise<boolean> {
  const row = await db
    .selectFrom('budget_entries')
    .select('kind')
    .where('reservation_id', '=', reservationId)
    .executeTakeFirst()
  return row !== undefined
}

/** The most that a call for an order has reserved so far, in USD as a decimal, by proposer. */
export async function largestReservations(db: Db, workOrderId: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ proposer: string; most: string }>`
    select proposer, max(amount_usd)::text as most from budget_entries as entry
    where work_order_id = ${workOrderId} and kind = 'reserved' and ${COUNTS} group by proposer
  `.execute(db)
  return new Map(rows.map(({ proposer, most }) => [proposer, most]))
}

/** How many calls to a provider are under way, over all processes. */
export async function countUnderWay(db: Db, provider: string): Promise<number> {
  const { count } = await db
    .selectFrom('budget_open_reservations')
    .select((eb) => eb.cast<number>(eb.fn.countAll(), 'integer').as('count'))
    .where('provider', '=', provider)
    .where('unresolved', '=', false)
    .executeTakeFirstOrThrow()
  return count
}

/** A reservation to be made: its number, and the most its call can cost, in USD as a decimal. */
type NewReservation = Pick<Calendar, 'day' | 'month'> & { reservationId: string; amount: string }

/** Makes a reservation, with the project and the decision of its attempt. */
export async function insertReservation(
  db: Db,
  { workOrderId, attempt, proposer, provider, model }: PaidCall,
  { reservationId, amount, day, month }: NewReservation,
): Promise<void> {
  const ofAttempt = (column: 'project_id' | 'decision_id') =>
    sql<string>`(select ${sql.ref(column)} from attempts where work_order_id = ${workOrderId} and number = ${attempt})`
  await db
    .insertInto('budget_entries')
    .values({
      reservation_id: reservationId,
      kind: 'reserved',
      amount_usd: amount,
      work_order_id: workOrderId,
      attempt,
      project_id: sql<string>`coalesce(
        ${ofAttempt('project_id')}, (select project_id from work_orders where id = ${workOrderId})
      )`,
      decision_id: ofAttempt('decision_id'),
      proposer,
      provider,
      model,
      holder: processId,
      day,
      month,
    })
    .execute()
}

/** What every entry of a reservation says alike beside its id. */
const SAID_ALIKE = sql.join(
  ['work_order_id', 'attempt', 'project_id', 'decision_id', 'proposer', 'provider', 'model', 'day', 'month'].map(
    (column) => sql.ref(column),
  ),
)
const COPIED = sql`reservation_id, ${SAID_ALIKE}`

/** Says that Moose itself ends a reservation, unless it was said who does: only what is booked by hand is audited. */
const BY_MOOSE = sql`(
  select set_config('moose.actor', coalesce(nullif(current_setting('moose.actor', true), ''), 'moose:ledger'), true)
) as said`

/** Of a call that was charged, its cost in USD as a decimal; of one that was not, null. */
export type Ending = { kind: 'settled'; cost: string } | { kind: 'released'; cost: null }

/** Ends a reservation. @returns false: there is no such reservation, or it has ended already */
export async function insertEnding(db: Db, reservationId: string, { kind, cost }: Ending): Promise<boolean> {
  const amount = cost === null ? '0' : cost
  const { numAffectedRows } = await sql`
    insert into budget_entries (${COPIED}, kind, amount_usd, cost_usd, holder)
    select ${COPIED}, ${kind}, ${amount}::numeric - amount_usd, ${cost === null ? null : amount}::numeric, ${processId}
    from budget_entries, ${BY_MOOSE} where reservation_id = ${reservationId} and kind = 'reserved'
    on conflict do nothing
  `.execute(db)
  return numAffectedRows !== 0n
}

/** Marks a reservation as unresolved; one of nothing is released. A repetition changes nothing. */
export async function insertUnresolved(db: Db, reservationId: string): Promise<void> {
  await sql`
    insert into budget_entries (${COPIED}, kind, amount_usd, holder)
    select ${COPIED}, case amount_usd when 0 then 'released' else 'unresolved' end, 0, ${processId}
    from budget_entries, ${BY_MOOSE} where reservation_id = ${reservationId} and kind = 'reserved'
    on conflict do nothing
  `.execute(db)
}

/** What was booked for a reservation; empty: there is none. */
export async function entriesOf(db: Db, reservationId: string): Promise<{ kind: string; cost_usd: string | null }[]> {
  return db
    .selectFrom('budget_entries')
    .select(['kind', 'cost_usd'])
    .where('reservation_id', '=', reservationId)
    .execute()
}

/** What a reservation that was put right has cost is booked under an id that is made of its own. */
export const idInPlaceOf = (id: ReturnType<typeof sql>) => sql<string>`md5('in place of ' || ${id})::uuid`

/**
 * Has the entries of a reservation count no longer, and reserves an amount in their place. They stay as they are.
 *
 * @param amount USD as a decimal
 * @returns the id of the reservation in their place
 */
export async function replaceReservation(db: Db, id: string, amount: string): Promise<string> {
  const first = sql`from budget_entries where reservation_id = ${id} order by kind <> 'reserved', id limit 1`
  await sql`
    insert into budget_entries (reservation_id, ${SAID_ALIKE}, kind, amount_usd, holder)
    select reservation_id, ${SAID_ALIKE}, 'void', 0, ${processId}::uuid ${first} on conflict do nothing
  `.execute(db)
  const { rows } = await sql<{ id: string }>`select ${idInPlaceOf(sql`${id}::text`)} as id`.execute(db)
  const instead = String(rows[0]?.id)
  await sql`
    insert into budget_entries (reservation_id, ${SAID_ALIKE}, kind, amount_usd, holder)
    select ${instead}::uuid, ${SAID_ALIKE}, 'reserved', ${amount}::numeric, ${processId}::uuid ${first} on conflict do nothing
  `.execute(db)
  return instead
}

/** Longer than any call lasts, with all its patience. */
const NO_CALL_LASTS = '1 hour'

/**
 * Open reservations of calls that are not under way any more: of attempts of this home that another process made; of
 * attempts that run nowhere, those no living worker made; and, of calls without an attempt, those too old to be under way
 * on any machine, or dated later than any clock may be wrong.
 */
export async function reservationsLeftBehind(db: Db, homeId: string): Promise<{ id: string; is_free: boolean }[]> {
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
  return rows
}

/** What is held under a cap for calls of which it is unknown whether they were charged; USD as a decimal. */
export async function unresolvedUnder(
  db: Db,
  summedBy: SummedBy,
  { workOrderId, day, month }: Pick<Payer, 'workOrderId'> & Pick<Calendar, 'day' | 'month'>,
): Promise<string> {
  const open = db
    .selectFrom('budget_open_reservations')
    .select(({ fn, lit }) => fn.coalesce(fn.sum<string>('amount_usd'), lit(0)).as('sum'))
    .where('unresolved', '=', true)
  const under = {
    order: open.where('work_order_id', '=', workOrderId),
    project: open
      .where('month', '=', month)
      .where(({ selectFrom, eb }) =>
        eb('project_id', '=', selectFrom('work_orders').select('project_id').where('id', '=', workOrderId)),
      ),
    day: open.where('day', '=', day),
    month: open.where('month', '=', month),
  }
  return (await under[summedBy].executeTakeFirstOrThrow()).sum
}

/** Calls of which it is unknown whether they were charged, and the USD held for them, as a decimal. */
export async function sumUnresolved(db: Db): Promise<{ calls: number; held: string }> {
  const row = await db
    .selectFrom('budget_open_reservations')
    .select(({ fn, lit }) => [
      fn.countAll<string>().as('calls'),
      fn.coalesce(fn.sum<string>('amount_usd'), lit(0)).as('usd'),
    ])
    .where('unresolved', '=', true)
    .executeTakeFirstOrThrow()
  return { calls: Number(row.calls), held: row.usd }
}

const MOST_OPEN = 500

/** A reservation that has not ended. */
export type OpenReservationRow = Pick<
  Selectable<Database['budget_open_reservations']>,
  'work_order_id' | 'attempt' | 'proposer' | 'provider' | 'model' | 'at' | 'unresolved'
> & {
  id: string
  /** The most its call can cost, in USD as a decimal. */
  amount: string
}

/** Oldest first; at most 500. */
export async function openReservations(db: Db): Promise<OpenReservationRow[]> {
  return db
    .selectFrom('budget_open_reservations')
    .select(['reservation_id as id', 'work_order_id', 'attempt', 'proposer', 'provider', 'model', 'at', 'unresolved'])
    .select('amount_usd as amount')
    .orderBy('at')
    .orderBy('reservation_id')
    .limit(MOST_OPEN)
    .execute()
}

import { type Kysely, type Selectable, sql } from 'kysely'
import { isoTime } from '../../clock.ts'
import { type Actor, actorText } from '../../contract/actor.ts'
import { AT_REST } from '../../contract/evidence/follow-up.ts'
import type { EscalationOption, EscalationView } from '../../contract/why/escalation.ts'
import type { Database } from '../schema.ts'
import { IS_AS_MADE_BY } from '../work-orders/order-conditions.ts'

type Db = Kysely<Database>

/** Answers of one order that are shown. */
const MOST_PAST = 50
/** A process that began to carry an answer out and is gone does not keep others from answering for longer. */
const HELD_FOR = sql`interval '1 minute'`
const HELD_UNTIL = sql<Date>`clock_timestamp() + ${HELD_FOR}`
/** Nothing says until when one is held that a process of before has noted. */
const IS_HELD = sql<boolean>`(option is not null
  and clock_timestamp() < coalesce(held_until, decided_at + ${HELD_FOR}))`

/** The open escalation of an order; null: there is none. */
export async function openEscalation(db: Db, workOrderId: string): Promise<EscalationView | null> {
  const row = await ofOrder(db, workOrderId).where('closed_at', 'is', null).executeTakeFirst()
  return row === undefined ? null : viewOf(row)
}

/** Which of some orders have an open escalation. */
export async function ordersEscalated(db: Db, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const open = db.selectFrom('order_escalations').select('work_order_id').where('closed_at', 'is', null)
  return new Set((await open.where('work_order_id', 'in', ids).execute()).map((row) => row.work_order_id))
}

/** The closed ones of an order, the newest first. */
export async function pastEscalations(db: Db, workOrderId: string): Promise<EscalationView[]> {
  const closed = ofOrder(db, workOrderId).where('closed_at', 'is not', null).orderBy('opened_at', 'desc')
  return (await closed.limit(MOST_PAST).execute()).map(viewOf)
}

/** @throws {Error} when it is gone */
export async function escalationOf(db: Db, id: string): Promise<EscalationView> {
  return viewOf(await db.selectFrom('order_escalations').selectAll().where('id', '=', id).executeTakeFirstOrThrow())
}

export type Answer = { option: EscalationOption; by: Actor; spentUsd: string }

/**
 * Notes an answer that is about to be carried out, and holds it; when the order goes on, it closes the escalation.
 *
 * @returns false when it is closed, or another answer to it is being carried out
 */
export async function noteAnswer(db: Db, id: string, { option, by, spentUsd }: Answer): Promise<boolean> {
  const decided = { option, decided_by: actorText(by), decided_at: sql<Date>`clock_timestamp()`, spent_usd: spentUsd }
  const noted = await db
    .updateTable('order_escalations')
    .set({ ...decided, held_until: HELD_UNTIL })
    .where('id', '=', id)
    .where('closed_at', 'is', null)
    .where(({ not }) => not(IS_HELD))
    .returning('id')
    .executeTakeFirst()
  return noted !== undefined
}

/** Holds an answer that is still being carried out for longer; nothing where it was carried out or is free. */
export async function holdAnswer(db: Db, id: string): Promise<void> {
  await db
    .updateTable('order_escalations')
    .set({ held_until: HELD_UNTIL })
    .where('id', '=', id)
    .where('closed_at', 'is', null)
    .where(IS_HELD)
    .execute()
}

/** Forgets an answer that could not be carried out. */
export async function forgetAnswer(db: Db, id: string): Promise<void> {
  await db
    .updateTable('order_escalations')
    .set({ option: null, decided_by: null, decided_at: null, spent_usd: null, held_until: null })
    .where('id', '=', id)
    .where('closed_at', 'is', null)
    .execute()
}

/** What came of the answers to one cause. */
export type OptionRecord = { option: EscalationOption; chosen: number; ended: number; ended_well: number }

/**
 * By option; one that was never chosen is not there. An answer has ended when the order is in review, has ended, or was stopped
 * again; of one that was in review then, when nothing is left to do about its pull request. That an order is given up ends neither
 * well nor badly.
 */
export async function optionRecords(db: Db, cause: string): Promise<OptionRecord[]> {
  const { rows } = await sql<OptionRecord>`
    select option, count(*)::integer as chosen, (count(*) filter (where option <> 'abort' and (went_well or went_badly)))::integer as ended,
      (count(*) filter (where went_well and not went_badly))::integer as ended_well
    from (
      select decided.option,
        work_orders.status = 'completed' or work_orders.phase = 'in_review' and (
          ${cause} not in ('follow_up_exhausted', 'hands_off') or exists (
            select from pull_requests as pull
            where pull.work_order_id = decided.work_order_id and pull.state = 'open' and pull.follow_up ->> 'state' = any(${AT_REST}::text[])
              and (pull.follow_up ->> 'at')::timestamptz > decided.decided_at
          )
        ) as went_well,
        work_orders.status in ('failed', 'blocked', 'cancelled') or exists (
          select from order_escalations as later
          where later.work_order_id = decided.work_order_id and later.opened_at > decided.decided_at
        ) as went_badly
      from order_escalations as decided join work_orders on work_orders.id = decided.work_order_id
      where decided.cause = ${cause} and decided.closed_as = 'decided'
    ) as answers
    group by option
  `.execute(db)
  return rows
}

/** Has the next attempts of an order given to a proposer; null: to whom the Manager chooses. */
export async function wantProposer(db: Db, workOrderId: string, proposer: string | null): Promise<void> {
  await db.updateTable('work_orders').set({ wanted_proposer: proposer }).where('id', '=', workOrderId).execute()
}

/** The proposer that a human wants an order given to; null: the Manager chooses. */
export async function wantedProposer(db: Db, workOrderId: string): Promise<string | null> {
  const order = db.selectFrom('work_orders').select('wanted_proposer').where('id', '=', workOrderId)
  const row = await order.executeTakeFirst()
  return row === undefined ? null : row.wanted_proposer
}

/** Whether the last attempt of an order left a commit of a change that was made for what the order asks for now. */
export async function leftCommit(db: Db, workOrderId: string): Promise<boolean> {
  const { rows } = await sql<{ left: boolean }>`
    select exists (
      select from attempts join work_orders on work_orders.id = attempts.work_order_id
      where work_orders.id = ${workOrderId} and attempts.number = work_orders.attempts and attempts.head_sha is not null
        and ${IS_AS_MADE_BY}
    ) as left`.execute(db)
  return rows[0]?.left === true
}

/**
 * Whether the open pull request of an order was last seen to conflict with its base.
 *
 * @returns `by_hand`: with what no model may resolve
 */
export async function conflictInReview(db: Db, workOrderId: string): Promise<'none' | 'conflict' | 'by_hand'> {
  const { rows } = await sql<{ by_hand: boolean }>`
    select coalesce(conflict ->> 'head_sha' = head_sha and conflict ->> 'by_hand' is not null, false) as by_hand
    from pull_requests where work_order_id = ${workOrderId} and state = 'open' and follow_up ->> 'state' = 'conflict'
    order by attempt desc limit 1`.execute(db)
  const [row] = rows
  return row === undefined ? 'none' : row.by_hand ? 'by_hand' : 'conflict'
}

/** Whether its forge alone holds up the open pull request of an order: its branch holds what Moose has verified. */
export async function isHeldUpOnForge(db: Db, workOrderId: string): Promise<boolean> {
  const { rows } = await sql<{ is_held_up: boolean }>`
    select exists (
      select from pull_requests where work_order_id = ${workOrderId} and state = 'open'
        and follow_up ->> 'state' in ('red', 'reviewed') and coalesce(seen_head_sha, head_sha) = head_sha
    ) as is_held_up`.execute(db)
  return rows[0]?.is_held_up === true
}

function ofOrder(db: Db, workOrderId: string) {
  return db.selectFrom('order_escalations').selectAll().where('work_order_id', '=', workOrderId)
}

function viewOf(row: Selectable<Database['order_escalations']>): EscalationView {
  const { id, work_order_id, attempt, cause, opened_at, closed_at, closed_as, option, decided_by, decided_at } = row
  return {
    id,
    work_order_id,
    attempt,
    cause,
    opened_at: isoTime(opened_at),
    closed_at: closed_at === null ? null : isoTime(closed_at),
    closed_as,
    answer:
      option === null || decided_by === null || decided_at === null
        ? null
        : { option, by: decided_by, at: isoTime(decided_at), spent_usd: Number(row.spent_usd) },
  }
}

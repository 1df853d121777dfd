import { type Kysely, type Selectable, sql } from 'kysely'
import { isoTime } from '../clock.ts'
import type { EventType, EventView } from '../contract/work-orders.ts'
import type { AttemptRun } from './attempts.ts'
import { fence } from './fence.ts'
import { takenOver } from './hold-attempt.ts'
import type { Database } from './schema.ts'
import { isRecord } from './work-order-view.ts'

export type NewEvent = {
  workOrderId: string
  type: EventType
  message: string
  attempt?: number
  step?: string
  data?: Record<string, unknown>
}

const PAGE = 500

/** Appends one event; listeners hear of it when the transaction commits. */
export async function recordEvent(db: Kysely<Database>, event: NewEvent): Promise<void> {
  await db
    .insertInto('work_order_events')
    .values({
      work_order_id: event.workOrderId,
      attempt: event.attempt === undefined ? null : event.attempt,
      step: event.step === undefined ? null : event.step,
      type: event.type,
      message: event.message,
      data: JSON.stringify(event.data === undefined ? {} : event.data),
    })
    .execute()
}

/**
 * Appends one event of a run of an attempt, while nobody else carries the attempt out; in one statement.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function recordHeldEvent(
  db: Kysely<Database>,
  run: AttemptRun,
  { type, message, step }: Pick<NewEvent, 'type' | 'message'> & { step: string },
): Promise<void> {
  const { rows } = await sql`
    with held as ${fence(db, run)}
    insert into work_order_events (work_order_id, attempt, step, type, message)
    select work_order_id, number, ${step}, ${type}, ${message} from held
    returning id
  `.execute(db)
  if (rows.length === 0) throw takenOver(run)
}

/**
 * Events after an id in the order they were written, at most 500 at once.
 *
 * @param workOrderId null: of all orders
 * @param afterId a decimal number as text; `0` for all
 */
export async function eventsAfter(
  db: Kysely<Database>,
  workOrderId: string | null,
  afterId: string,
): Promise<EventView[]> {
  let select = db.selectFrom('work_order_events').selectAll().where('id', '>', afterId)
  if (workOrderId !== null) select = select.where('work_order_id', '=', workOrderId)
  const rows = await select.orderBy('id').limit(PAGE).execute()
  return rows.map(toEventView)
}

/** The id of the newest event; `0` when there is none. */
export async function lastEventId(db: Kysely<Database>): Promise<string> {
  const row = await db.selectFrom('work_order_events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
  return row === undefined ? '0' : row.id
}

function toEventView(row: Selectable<Database['work_order_events']>): EventView {
  return {
    id: row.id,
    work_order_id: row.work_order_id,
    attempt: row.attempt,
    step: row.step,
    type: row.type,
    message: row.message,
    data: isRecord(row.data) ? row.data : { value: row.data },
    at: isoTime(row.at),
  }
}

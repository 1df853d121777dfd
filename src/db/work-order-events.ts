import { type Kysely, type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely'
import { isoTime } from '../clock.ts'
import type { EventType, EventView } from '../contract/events.ts'
import { MOST_EVENTS } from '../contract/events.ts'
import type { AttemptRun } from './attempts/attempts.ts'
import { fence, takenOver } from './attempts/hold-attempt.ts'
import type { Database } from './schema.ts'
import { overFor } from './work-orders/order-conditions.ts'
import { isRecord } from './work-orders/work-order-view.ts'

type EventRow = Selectable<Database['work_order_events']>

export type NewEvent = {
  workOrderId: string
  type: EventType
  message: string
  attempt?: number
  step?: string
  data?: Record<string, unknown>
}

/** So many characters of events at once; one event is always given. */
const MOST_OF_PAGE = 2_000_000
/** Characters of a message, and of the JSON of its data; the database takes no more. */
const MOST_OF_EVENT = 100_000

/** Appends one event; listeners hear of it when the transaction commits. */
export async function recordEvent(db: Kysely<Database>, event: NewEvent): Promise<void> {
  await db
    .insertInto('work_order_events')
    .values({
      work_order_id: event.workOrderId,
      attempt: event.attempt === undefined ? null : event.attempt,
      step: event.step === undefined ? null : event.step,
      type: event.type,
      message: bounded(event.message),
      data: boundedData(event.data),
    })
    .execute()
}

export function bounded(message: string): string {
  return message.slice(0, MOST_OF_EVENT).toWellFormed()
}

function boundedData(data: Record<string, unknown> | undefined): string {
  const json = JSON.stringify(data === undefined ? {} : data)
  return json.length <= MOST_OF_EVENT ? json : '{"left_out": true}'
}

/**
 * Appends one event of a run of an attempt, while this process owns the attempt; in one statement.
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
    select work_order_id, number, ${step}, ${type}, ${bounded(message)} from held
    returning id
  `.execute(db)
  if (rows.length === 0) throw takenOver(run)
}

/** Ids are decimal numbers as text. */
export type EventRange = {
  /** Null: of all orders. */
  workOrderId: string | null
  /** `0`: from the first. */
  afterId: string
  /** Null: up to the last. */
  beforeId: string | null
  /** Only the newest so many; null: the oldest ones. */
  tail: number | null
  /** A text that the step, the message, or the type but `output` has, in any case; null: all. */
  find: string | null
}

/** Events after an id, as `eventsIn`. @param workOrderId null: of all orders @param afterId `0` for all */
export function eventsAfter(db: Kysely<Database>, workOrderId: string | null, afterId: string): Promise<EventView[]> {
  return eventsIn(db, { workOrderId, afterId, beforeId: null, tail: null, find: null })
}

/** Codes of terminals for colours, which may stand within a word. */
const COLOURS = '\u001b\\[[0-9;?]*[A-Za-z]'

/** Reads every message of the order that lies in the range, as far as the page is not full: about 0.1 s for 10 MB. */
function hasText(text: string): RawBuilder<SqlBool> {
  const plain = sql`case when strpos(message, chr(27)) > 0 then regexp_replace(message, ${COLOURS}, '', 'g') else message end`
  return sql<SqlBool>`strpos(lower(concat_ws(' ', nullif(type, 'output'), step, ${plain})), lower(${text})) > 0`
}

/**
 * Events in the order they were written: at most 500 at once, and about 2,000,000 characters. Of one from before events were
 * bounded, the beginning.
 */
export async function eventsIn(db: Kysely<Database>, range: EventRange): Promise<EventView[]> {
  const { workOrderId, afterId, beforeId, tail, find } = range
  const fits = [
    sql`id > ${afterId}`,
    ...(workOrderId === null ? [] : [sql`work_order_id = ${workOrderId}`]),
    ...(beforeId === null ? [] : [sql`id < ${beforeId}`]),
    ...(find === null ? [] : [hasText(find)]),
  ]
  const direction = tail === null ? sql`asc` : sql`desc`
  const { rows } = await sql<EventRow>`
    select id, work_order_id, attempt, step, type, at,
      left(message, ${MOST_OF_EVENT}) as message,
      case when char_length(data::text) <= ${MOST_OF_EVENT} then data else '{"left_out": true}' end as data
    from (
      select next.*,
        sum(char_length(message) + char_length(data::text)) over (order by id ${direction}) as characters,
        row_number() over (order by id ${direction}) as place
      from (
        select * from work_order_events where ${sql.join(fits, sql` and `)}
        order by id ${direction} limit ${tail === null ? MOST_EVENTS : tail}
      ) as next
    ) as page
    where place = 1 or characters <= ${MOST_OF_PAGE}
    order by id
  `.execute(db)
  return rows.map(toEventView)
}

/** So many are removed in one transaction: none of them holds a lock for long. */
const BATCH = 500

/**
 * Removes what checks and Aider of an order printed that ended so many days ago. What happened to it stays.
 *
 * @returns how many pieces were removed
 */
export async function removeOutput(db: Kysely<Database>, days: number, signal: AbortSignal): Promise<number> {
  let removed = 0
  // Each batch goes on where the last one ended: what is to stay is looked at once.
  for (let after: string | undefined = '0'; after !== undefined && !signal.aborted; ) {
    const { rows }: { rows: { id: string }[] } = await sql<{ id: string }>`
      with old as (
        select event.id from work_order_events as event join work_orders on work_orders.id = event.work_order_id
        where event.id > ${after} and event.type = 'output' and ${overFor(days)}
        order by event.id limit ${BATCH}
      ), removed as (
        delete from work_order_events using old where work_order_events.id = old.id
      )
      select id from old order by id
    `.execute(db)
    removed += rows.length
    after = rows.length < BATCH ? undefined : rows.at(-1)?.id
  }
  return removed
}

/** The id of the newest event; `0` when there is none. */
export async function lastEventId(db: Kysely<Database>): Promise<string> {
  const row = await db.selectFrom('work_order_events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
  return row === undefined ? '0' : row.id
}

function toEventView(row: EventRow): EventView {
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

import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import type { OrderSort } from '../../contract/order-list.ts'
import { Fault } from '../../faults/fault.ts'
import { jsonOrNull } from '../../json-or-null.ts'
import { ORDER_STATES, type OrderState } from '../../work-order/order-state.ts'
import { isInState, PROPOSER_OF_ORDER } from './order-conditions.ts'

/** In which order a list is read: a page of it begins behind an order that need not exist any more. */
export type Reading = { sort: OrderSort; reverse: boolean }

/** What needs a human first, then what moves, then what is over. */
const BY_NEED: readonly OrderState[] = [
  'failed',
  'blocked',
  'unapproved',
  'review',
  'running',
  'waiting',
  'completed',
  'cancelled',
]
const LONGEST_TITLE = 200
/** Of amounts: no row holds more that is one. */
const NO_AMOUNT = '1e30'

/** For a query with `work_orders`: the value of each sort; of `title` a text, of the others a number. */
const KEYS: Readonly<Record<OrderSort, RawBuilder<unknown>>> = {
  created: sql`extract(epoch from work_orders.created_at)`,
  updated: sql`extract(epoch from coalesce(work_orders.updated_at, work_orders.created_at))`,
  // What is no amount shows as none, and is sorted so.
  cost: sql`case when actual_cost >= 0 and actual_cost < ${sql.lit(NO_AMOUNT)}::numeric then actual_cost else -1 end`,
  attempts: sql`work_orders.attempts`,
  risk: sql`case risk_level when 'high' then 3 when 'medium' then 2 when 'low' then 1 else 0 end`,
  title: sql`lower(left(work_orders.title, ${sql.lit(LONGEST_TITLE)}))`,
  state: sql`case ${sql.join(
    BY_NEED.map((state) => sql`when ${isInState(state)} then ${sql.lit(BY_NEED.indexOf(state))}`),
    sql` `,
  )} else ${sql.lit(ORDER_STATES.length)} end`,
}
const CREATED = KEYS.created
/** These begin with the least. */
const ASCENDING: ReadonlySet<OrderSort> = new Set(['title', 'state'])

/** An order's place in a list: the value it is sorted by, when it was filed in seconds, and its id. */
export type Place = { key: string; created: string; id: string }

const Amount = z.string().regex(/^-?(\d{1,60}(\.\d{1,60})?|Infinity)$/)
const PlaceIn = (sort: OrderSort) =>
  z.tuple([z.literal(sort), sort === 'title' ? z.string().max(4 * LONGEST_TITLE) : Amount, Amount, z.guid()])

/** A place as the API tells it. */
export function cursorOf({ sort }: Reading, { key, created, id }: Place): string {
  return Buffer.from(JSON.stringify([sort, key, created, id])).toString('base64url')
}

/** @throws {Fault} `request_invalid` for what is no cursor of a list that is sorted so */
function placeOf({ sort }: Reading, cursor: string): Place {
  const read = PlaceIn(sort).safeParse(jsonOrNull(Buffer.from(cursor, 'base64url').toString()))
  if (!read.success || read.data.some((part) => part.includes('\0') || !part.isWellFormed())) {
    const message = `The cursor is of no list that is sorted by ${sort}. Begin anew, without one.`
    throw new Fault('request_invalid', message, { sort })
  }
  const [, key, created, id] = read.data
  return { key, created, id }
}

/** The place of each row, for its cursor. */
export function placeColumns({ sort }: Reading) {
  return sql`(${KEYS[sort]})::text as place_key, (${CREATED})::text as place_created`
}

/** What is between the two, the second included; undefined: from the beginning, to the end. @throws {Fault} `request_invalid` */
export function isBetween(reading: Reading, after: string | undefined, to: string | undefined) {
  const behind = sql.raw(isAscending(reading) ? '>' : '<')
  const upTo = sql.raw(isAscending(reading) ? '<=' : '>=')
  const begins = after === undefined ? sql`true` : compared(reading, behind, placeOf(reading, after))
  const ends = to === undefined ? sql`true` : compared(reading, upTo, placeOf(reading, to))
  return sql<boolean>`(${begins} and ${ends})`
}

function compared({ sort }: Reading, operator: RawBuilder<unknown>, { key, created, id }: Place) {
  const value = sort === 'title' ? sql`${key}::text` : sql`${key}::numeric`
  return sql`(${KEYS[sort]}, ${CREATED}, work_orders.id) ${operator} (${value}, ${created}::numeric, ${id}::uuid)`
}

export function inTurn(reading: Reading) {
  const direction = sql.raw(isAscending(reading) ? 'asc' : 'desc')
  return sql`${KEYS[reading.sort]} ${direction}, ${CREATED} ${direction}, work_orders.id ${direction}`
}

function isAscending({ sort, reverse }: Reading): boolean {
  return ASCENDING.has(sort) !== reverse
}

/** More of a text than that is not searched. */
const SEARCHED = 20_000
const MOST_WORDS = 20
/** As it may name an order; a shorter one is in half of all ids. */
const BEGINNING_OF_ID = /^[0-9a-f-]{4,36}$/i

/**
 * For a query with `work_orders` and `projects`: each of the words is somewhere in what the order says and what became of it,
 * or begins its id.
 * They are compared as they are: no sign means another. Linear in the text, of which a bounded part is looked at.
 */
export function holdsWords(words: string) {
  const wanted = words.split(/\s+/).filter((word) => word !== '')
  if (wanted.length === 0) return sql<boolean>`true`
  const parts = [
    sql`work_orders.title`,
    ...['description', 'files_in_scope', 'acceptance_criteria'].map(
      (column) => sql`left(${sql.ref(`work_orders.${column}`)}::text, ${SEARCHED})`,
    ),
    sql`projects.name`,
    PROPOSER_OF_ORDER,
    sql`work_orders.github_branch`,
    // The kind of who filed it is a word of ours.
    sql`split_part(work_orders.filed_by, ':', 2)`,
    sql`'#' || work_orders.github_pr_number`,
    sql`left(work_orders.status_reason ->> 'code', ${SEARCHED})`,
    sql`left(work_orders.status_reason ->> 'message', ${SEARCHED})`,
  ]
  const holds = wanted.slice(0, MOST_WORDS).map((word) => {
    const isThere = sql`strpos(searched.text, lower(${word})) > 0`
    return BEGINNING_OF_ID.test(word) ? sql`(${isThere} or starts_with(work_orders.id::text, lower(${word})))` : isThere
  })
  return sql<boolean>`(select ${sql.join(holds, sql` and `)}
    from (select lower(left(concat_ws(E'\n', ${sql.join(parts)}), ${5 * SEARCHED})) as text offset 0) as searched)`
}

import { type Kysely, sql } from 'kysely'
import type { ListedWorkOrder } from '../../contract/work-orders.ts'
import type { FaultRecord } from '../../faults/fault.ts'
import { forEachState, ORDER_STATES, type OrderState } from '../../work-order/order-state.ts'
import { STATUSES, type Status } from '../../work-order/status.ts'
import type { Database } from '../schema.ts'
import { DEPENDS_ON } from './dependencies.ts'
import { IS_APPROVED, isInState, PROPOSER_OF_ORDER } from './order-conditions.ts'
import { cursorOf, holdsWords, inTurn, isBetween, placeColumns, type Reading } from './order-pages.ts'
import { toWorkOrderView, type WorkOrderRow } from './work-order-view.ts'
import { PROJECT_OF_ORDER } from './work-orders.ts'

/** Characters of a column that a list carries; of JSON, those of its text. */
const MOST = { title: 200, description: 500, json: 4_000, word: 200 }
/** A longer reason is not one of ours. */
const LONGEST_REASON = 50_000
const MOST_OF_REASON = 2_000

type Row = Omit<WorkOrderRow, 'metadata'> & {
  /** Null: there is too much of it. */
  metadata: Record<string, unknown> | null
  approved: boolean
  shortened: string[]
  pull_request_closed: boolean
  place_key: string
  place_created: string
}

/** What is left out is not asked about. */
export type OrderFilter = {
  status?: Status | undefined
  /** Any of these. */
  states?: readonly OrderState[] | undefined
  project?: string | undefined
  /** Words, all of which an order holds. */
  q?: string | undefined
}

/** Which part of the list: behind a cursor, and up to another with it. */
type ListPage = { reading: Reading; cursor?: string | undefined; until?: string | undefined; limit: number }

export type ListedRow = Omit<ListedWorkOrder, 'replayed' | 'state' | 'why' | 'running_since'>

/**
 * A page of the list, and the cursor of the next; null: nothing comes behind it. A page may hold a thousand rows of any writer:
 * of a long text it carries the beginning, of long lists and of much metadata nothing, and `shortened` names these fields.
 *
 * @throws {Fault} `request_invalid` for a cursor of another list
 */
export async function listWorkOrders(
  db: Kysely<Database>,
  filter: OrderFilter,
  { reading, cursor, until, limit }: ListPage,
): Promise<{ orders: ListedRow[]; next: string | null }> {
  const { rows } = await sql<Row>`
    select ${LISTED}, place_key, place_created
    from (
      select work_orders.*, projects.name as project_name, ${PROPOSER_OF_ORDER} as proposer,
        ${placeColumns(reading)}
      from work_orders left join projects on projects.id = ${PROJECT_OF_ORDER}
      where ${fits(filter)} and ${isBetween(reading, cursor, until)}
      order by ${inTurn(reading)} limit ${limit + 1}
    ) as work_orders
    order by ${inTurn(reading)}
  `.execute(db)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const isMore = rows.length > limit && last !== undefined
  return {
    orders: page.map(
      ({ approved, shortened, pull_request_closed, place_key: _key, place_created: _created, ...row }) => ({
        ...toWorkOrderView(row),
        approved,
        shortened,
        pull_request_closed,
      }),
    ),
    next: isMore ? cursorOf(reading, { key: last.place_key, created: last.place_created, id: last.id }) : null,
  }
}

/** How many orders fit, by state; every state is there, also with 0. */
export async function countOrders(
  db: Kysely<Database>,
  filter: Omit<OrderFilter, 'states'>,
): Promise<Record<OrderState, number>> {
  const counts = ORDER_STATES.map((state) => sql`count(*) filter (where ${isInState(state)}) as ${sql.ref(state)}`)
  const { rows } = await sql<Record<OrderState, string>>`
    select ${sql.join(counts)} from work_orders left join projects on projects.id = ${PROJECT_OF_ORDER}
    where ${fits(filter)}
  `.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('counts of orders are one row')
  return forEachState((state) => Number(row[state]))
}

/** For a query with `work_orders` and `projects`. */
function fits({ status, states, project, q }: OrderFilter) {
  return sql<boolean>`(work_orders.status in (${sql.join(status === undefined ? STATUSES : [status])})
    and ${states === undefined ? sql`true` : sql`(${sql.join(states.map(isInState), sql` or `)})`}
    and ${project === undefined ? sql`true` : sql`projects.name = ${project}`}
    and ${q === undefined ? sql`true` : holdsWords(q)})`
}

/** For a query with `work_orders`: the reason, or what a list carries of it. */
export const BOUNDED_REASON = sql<FaultRecord | null>`case when char_length(work_orders.status_reason::text) <= ${LONGEST_REASON}
  then work_orders.status_reason
  else jsonb_build_object(
    'code', left(work_orders.status_reason ->> 'code', ${MOST.word}),
    'message', left(work_orders.status_reason ->> 'message', ${MOST_OF_REASON})
  ) end`

const beginning = (column: string, most: number) => sql`left(${sql.ref(column)}::text, ${most}) as ${sql.ref(column)}`
const wholeOrNothing = (column: string) =>
  sql`case when char_length(${sql.ref(column)}::text) <= ${MOST.json} then ${sql.ref(column)} end as ${sql.ref(column)}`
const ifLonger = (column: string, most: number) =>
  sql`case when char_length(${sql.ref(column)}::text) > ${most} then ${column}::text end`

const JSON_COLUMNS = ['acceptance_criteria', 'files_in_scope', 'context', 'metadata']

const LISTED = sql.join([
  sql`id, status, attempts, github_pr_number, estimated_cost, actual_cost, budget_usd, created_at, updated_at, completed_at`,
  beginning('title', MOST.title),
  beginning('description', MOST.description),
  ...['risk_level', 'phase', 'github_branch', 'github_pr_url', 'proposer', 'project_name', 'filed_by'].map((column) =>
    beginning(column, MOST.word),
  ),
  ...JSON_COLUMNS.map(wholeOrNothing),
  sql`case when status_reason is not null then ${BOUNDED_REASON} end as status_reason`,
  sql`coalesce(${IS_APPROVED}, false) as approved, ${DEPENDS_ON} as depends_on`,
  sql`exists (select from pull_requests as pull where pull.work_order_id = work_orders.id
    and pull.number = work_orders.github_pr_number and pull.state = 'closed') as pull_request_closed`,
  sql`array_remove(array[${sql.join([
    ifLonger('title', MOST.title),
    ifLonger('description', MOST.description),
    ...JSON_COLUMNS.map((column) => ifLonger(column, MOST.json)),
  ])}], null) as shortened`,
])

import { type Kysely, sql } from 'kysely'
import type { ListedWorkOrder } from '../../contract/work-orders.ts'
import type { FaultRecord } from '../../faults/fault.ts'
import { STATUSES, type Status } from '../../work-order/status.ts'
import type { Database } from '../schema.ts'
import { IS_APPROVED } from './order-conditions.ts'
import { toWorkOrderView, type WorkOrderRow } from './work-order-view.ts'
import { PROJECT_OF_ORDER } from './work-orders.ts'

/** Characters of a column that a list carries; of JSON, those of its text. */
const MOST = { title: 200, description: 500, json: 4_000, word: 200 }
/** A longer reason is not one of ours. */
const LONGEST_REASON = 50_000
const MOST_OF_REASON = 2_000

type ListedRow = Omit<WorkOrderRow, 'metadata'> & {
  /** Null: there is too much of it. */
  metadata: Record<string, unknown> | null
  approved: boolean
  shortened: string[]
}

/**
 * Oldest first; of more than `limit`, the newest. A list may hold a thousand rows of any writer: of a long
 * text it carries the beginning, of long lists and of much metadata nothing, and `shortened` names these fields.
 */
export async function listWorkOrders(
  db: Kysely<Database>,
  { status, project, limit }: { status?: Status | undefined; project?: string | undefined; limit: number },
): Promise<Omit<ListedWorkOrder, 'replayed'>[]> {
  const { rows } = await sql<ListedRow>`
    select ${LISTED}
    from (
      select work_orders.*, projects.name as project_name
      from work_orders left join projects on projects.id = ${PROJECT_OF_ORDER}
      where work_orders.status in (${sql.join(status === undefined ? STATUSES : [status])})
        and ${project === undefined ? sql`true` : sql`projects.name = ${project}`}
      order by work_orders.created_at desc, work_orders.id desc limit ${limit}
    ) as work_orders
    order by work_orders.created_at, work_orders.id
  `.execute(db)
  return rows.map(({ approved, shortened, ...row }) => ({ ...toWorkOrderView(row), approved, shortened }))
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

const JSON_COLUMNS = ['acceptance_criteria', 'files_in_scope', 'metadata']

const LISTED = sql.join([
  sql`id, status, attempts, github_pr_number, estimated_cost, actual_cost, budget_usd, created_at, updated_at, completed_at`,
  beginning('title', MOST.title),
  beginning('description', MOST.description),
  ...['risk_level', 'phase', 'github_branch', 'github_pr_url', 'proposer_id', 'project_name'].map((column) =>
    beginning(column, MOST.word),
  ),
  ...JSON_COLUMNS.map(wholeOrNothing),
  sql`case when status_reason is not null then ${BOUNDED_REASON} end as status_reason`,
  sql`coalesce(${IS_APPROVED}, false) as approved`,
  sql`array_remove(array[${sql.join([
    ifLonger('title', MOST.title),
    ifLonger('description', MOST.description),
    ...JSON_COLUMNS.map((column) => ifLonger(column, MOST.json)),
  ])}], null) as shortened`,
])

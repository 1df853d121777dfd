import { isDeepStrictEqual } from 'node:util'
import type { Kysely, Selectable } from 'kysely'
import type { UsdAmount } from '../../contract/amounts.ts'
import type { EditWorkOrder, WorkOrderView } from '../../contract/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { statedUsd } from '../../money.ts'
import type { Status } from '../../work-order/status.ts'
import { openEscalation } from '../escalations/order-escalations.ts'
import { findProjectByName } from '../projects.ts'
import type { Database } from '../schema.ts'
import { recordEvent } from '../work-order-events.ts'
import { DEPENDS_ON, refuseCircle } from './dependencies.ts'
import { CONTENT_HASH } from './order-conditions.ts'
import { changedSince, findWorkOrder, mergedMetadata, moveWorkOrder, wrongStatus } from './work-orders.ts'

type Db = Kysely<Database>

/** An order that runs or is completed is not edited. */
const FIXED: readonly Status[] = ['in_progress', 'completed']

/**
 * Replaces fields of an order; lists as a whole. Of an approved order the database withdraws the approval. Where every
 * field has its new value already, but for white space at the end of a line, nothing is written and the approval stands.
 * A budget is no part of what was approved:
 * changing it alone is possible at any time and withdraws nothing. An order that waits to have a commit verified makes its change
 * anew.
 *
 * @param edit.content_sha256 what it has to ask for; left out: whatever it does
 * @throws {Fault} `work_order_not_found`, `work_order_conflict` while it runs, while a pull request of it is open and once it is
 *   completed, or asks for something else; `not_found` for an unknown project; `work_order_invalid` for a circle of orders
 */
export async function editWorkOrder(db: Db, idOrPrefix: string, edit: EditWorkOrder): Promise<WorkOrderView> {
  const { id } = await findWorkOrder(db, idOrPrefix)
  const wanted = await columnsOf(db, edit)
  const needed = await dependenciesOf(db, edit)
  await db.transaction().execute(async (transaction) => {
    const row = await transaction
      .selectFrom('work_orders')
      .selectAll()
      .select([CONTENT_HASH.as('content_sha256'), DEPENDS_ON.as('depends_on')])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirstOrThrow()
    if (edit.content_sha256 !== undefined && edit.content_sha256 !== row.content_sha256)
      throw changedSince(row, 'edited')
    const isContent = wanted.some(({ column }) => column !== 'budget_usd')
    if (isContent) await assertNotOpen(transaction, id)
    if ((isContent || needed !== null) && FIXED.includes(row.status)) throw wrongStatus(row, 'edited')
    const changed = wanted.filter(({ column, value }) => {
      const alike = TEXTS.has(column) ? withoutTrailingSpace : (same: unknown) => same
      return !isDeepStrictEqual(alike(standing(row, column)), alike(value))
    })
    const isDependent = needed !== null && !isDeepStrictEqual(row.depends_on, needed)
    if (isDependent) await refuseCircle(transaction, id, needed)
    if (changed.length === 0 && !isDependent) return
    const stored = changed.map(({ column, value }) => [column, Array.isArray(value) ? JSON.stringify(value) : value])
    const metadata = isDependent ? { metadata: mergedMetadata({ dependencies: needed }) } : {}
    const columns = { ...Object.fromEntries(stored), ...metadata }
    await transaction.updateTable('work_orders').set(columns).where('id', '=', id).execute()
    const names = changed.map(({ column }) => (column === 'project_id' ? 'project' : column))
    const fields = [...names, ...(isDependent ? ['depends_on'] : [])].join(', ')
    await recordEvent(transaction, { workOrderId: id, type: 'edited', message: `edited: ${fields}`, data: { fields } })
    const isOther = changed.some(({ column }) => column !== 'budget_usd')
    if (isOther && row.status === 'pending' && row.verifies !== null) await moveWorkOrder(transaction, id, MADE_ANEW)
    const isBlocked = row.status === 'blocked' && row.status_reason?.code === 'dependency_unmet'
    // What blocks it is judged anew, by what it depends on now.
    const again = { from: ['blocked'], to: 'pending', reason: null, because: 'what it depends on was changed' } as const
    if (isDependent && isBlocked) await moveWorkOrder(transaction, id, again)
  })
  return findWorkOrder(db, id)
}

/** The commit that was to be verified was made for what it has asked for before. */
const MADE_ANEW = {
  from: ['pending'],
  to: 'pending',
  verifies: null,
  retry: 'again',
  because: 'it was edited, and its change is made anew',
} as const

/** Its pull request holds what was made for what it asks for now. @throws {Fault} `work_order_conflict` */
async function assertNotOpen(db: Db, id: string): Promise<void> {
  const open = await db
    .selectFrom('pull_requests')
    .select('number')
    .where('work_order_id', '=', id)
    .where('state', '=', 'open')
    .orderBy('attempt', 'desc')
    .executeTakeFirst()
  if (open === undefined) return
  const short = id.slice(0, 8)
  const asked = await openEscalation(db, id)
  const mayAmend = asked !== null && !['hands_off', 'pull_request_lost'].includes(asked.cause)
  const inOne = mayAmend ? `   All of that is done by: moose decide ${short} amend -f order.yaml` : ''
  const message =
    `Work order ${id} cannot be edited while its pull request #${open.number} is open, because that was made for what the ` +
    `order asks for now. Cancel it, which closes the pull request: moose cancel ${short}   Then edit it, and have its change ` +
    `made anew: moose edit ${short}   moose retry ${short}   moose approve ${short}${inOne}`
  throw new Fault('work_order_conflict', message, { id, pull_request: open.number })
}

/**
 * What could be refused of an edit, whatever the order's status is.
 *
 * @throws {Fault} those of `editWorkOrder` that are about what is to be changed
 */
export async function assertEditable(db: Db, id: string, edit: EditWorkOrder): Promise<void> {
  const order = await findWorkOrder(db, id)
  if (edit.content_sha256 !== undefined && edit.content_sha256 !== order.content_sha256)
    throw changedSince({ id, content_sha256: String(order.content_sha256) }, 'edited')
  await columnsOf(db, edit)
  const needed = await dependenciesOf(db, edit)
  if (needed !== null) await refuseCircle(db, id, needed)
}

/** As the database lists them; null: they stay as they are. @throws {Fault} `work_order_not_found` */
async function dependenciesOf(db: Db, { depends_on: named }: EditWorkOrder): Promise<string[] | null> {
  if (named === undefined) return null
  const ids = new Set<string>()
  for (const one of named) ids.add((await findWorkOrder(db, one)).id)
  return [...ids].sort()
}

type Column = Exclude<keyof EditWorkOrder, 'project' | 'content_sha256' | 'depends_on'> | 'project_id'

async function columnsOf(
  db: Db,
  { project, ...content }: EditWorkOrder,
): Promise<{ column: Column; value: unknown }[]> {
  const { title, description, acceptance_criteria, files_in_scope, context, risk_level } = content
  const projectId = project === undefined ? undefined : (await findProjectByName(db, project)).id
  const columns: [Column, unknown][] = [
    ['title', title],
    ['description', description],
    ['acceptance_criteria', acceptance_criteria],
    ['files_in_scope', files_in_scope],
    ['context', context],
    ['risk_level', risk_level],
    ['project_id', projectId],
    ['budget_usd', usd(content.budget_usd)],
  ]
  return columns.flatMap(([column, value]) => (value === undefined ? [] : [{ column, value }]))
}

/** What a reader is told in words; a path with a space at its end would be another path. */
const TEXTS: ReadonlySet<Column> = new Set(['title', 'description', 'acceptance_criteria'])

/** A text, or each of a list, without invisible characters at its end and at the ends of its lines. */
function withoutTrailingSpace(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTrailingSpace)
  if (typeof value !== 'string') return value
  return value
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd()
}

/** As `columnsOf` gives it: amounts of money that are the same are written alike. */
function standing(row: Selectable<Database['work_orders']>, column: Column): unknown {
  return column === 'budget_usd' ? usd(row.budget_usd) : row[column]
}

function usd<Absent extends null | undefined>(amount: UsdAmount | Absent): string | Absent {
  return amount === null || amount === undefined ? amount : statedUsd(amount).toFixed()
}

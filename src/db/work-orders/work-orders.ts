import { type Kysely, sql } from 'kysely'
import type { RetryMode } from '../../contract/why/retry.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import { Fault, type FaultRecord } from '../../faults/fault.ts'
import { canMove, type Phase, STATUSES, type Status } from '../../work-order/status.ts'
import { endReruns, endUnbegun } from '../follow-ups.ts'
import { inOneTransaction } from '../one-transaction.ts'
import { giveUpPullRequests } from '../pull-requests/given-up.ts'
import type { Database } from '../schema.ts'
import { recordEvent } from '../work-order-events.ts'
import { DEPENDS_ON } from './dependencies.ts'
import { CONTENT_HASH, PROPOSER_OF_ORDER } from './order-conditions.ts'
import { toWorkOrderView } from './work-order-view.ts'

type Db = Kysely<Database>

const SHORTEST_PREFIX = 4

/**
 * One order by its id, or by a prefix of it that is at least four characters long and unique.
 *
 * @throws {Fault} `work_order_not_found`, also for a prefix that fits several
 */
export async function findWorkOrder(db: Db, idOrPrefix: string): Promise<WorkOrderView> {
  const prefix = idOrPrefix.toLowerCase()
  if (!/^[0-9a-f-]+$/.test(prefix) || prefix.length < SHORTEST_PREFIX) throw noSuchOrder(idOrPrefix)
  const rows = await selectRows(db).where(sql<boolean>`starts_with(work_orders.id::text, ${prefix})`).limit(2).execute()
  const [row, second] = rows
  if (row === undefined) throw noSuchOrder(idOrPrefix)
  if (second !== undefined) {
    const message = `"${idOrPrefix}" fits several work orders. Give more of the id.`
    throw new Fault('work_order_not_found', message, { id: idOrPrefix })
  }
  return toWorkOrderView(row)
}

function noSuchOrder(id: string): Fault {
  const shown = id.slice(0, 80)
  return new Fault('work_order_not_found', `There is no work order "${shown}". See them with: moose list`, {
    id: shown,
  })
}

/** The project the order names, or the one its last attempt was carried out in. */
export const PROJECT_OF_ORDER = sql<string>`coalesce(work_orders.project_id, (
  select project_id from attempts where work_order_id = work_orders.id and number = work_orders.attempts
))`

function selectRows(db: Db) {
  return (
    db
      .selectFrom('work_orders')
      .leftJoin('projects', (join) => join.on('projects.id', '=', PROJECT_OF_ORDER))
      .selectAll('work_orders')
      .select(['projects.name as project_name', CONTENT_HASH.as('content_sha256'), PROPOSER_OF_ORDER.as('proposer')])
      .select(DEPENDS_ON.as('depends_on'))
      // An earlier Moose may have left orders in states of its own; they are kept and not ours to carry out.
      .where('work_orders.status', 'in', STATUSES)
  )
}

/** Turns a pending order down: it becomes `cancelled`, and an approval is withdrawn, so that a retry runs nothing. @throws {Fault} `work_order_conflict` */
export async function rejectWorkOrder(db: Db, idOrPrefix: string, reason: string | null): Promise<WorkOrderView> {
  const order = await findWorkOrder(db, idOrPrefix)
  if (order.status !== 'pending') throw wrongStatus(order, 'rejected')
  const message = reason === null ? 'rejected' : `rejected: ${reason}`
  await db.transaction().execute(async (transaction) => {
    await recordEvent(transaction, { workOrderId: order.id, type: 'rejected', message })
    const move = {
      from: ['pending'],
      to: 'cancelled',
      metadata: { rejection_reason: reason, approved_by_director: false },
    } as const
    if (!(await moveWorkOrder(transaction, order.id, move))) throw wrongStatus(order, 'rejected')
  })
  return findWorkOrder(db, order.id)
}

export function wrongStatus(order: { id: string; status: Status; phase: string | null }, wish: string): Fault {
  const stands = order.phase === null ? order.status : `${order.status}/${order.phase}`
  const short = order.id.slice(0, 8)
  const message = `Work order ${order.id} is ${stands} and cannot be ${wish}. See it with: moose show ${short}`
  return new Fault('work_order_conflict', message, { id: order.id, status: order.status })
}

/** Of an order whose open pull request something is being done about. */
export function atItsPull(
  { id, status }: { id: string; status: Status },
  { number }: { number: number },
  wish: string,
): Fault {
  const message =
    `Work order ${id} cannot be ${wish} now, because something is being done about its pull request #${number}. It can be when that ` +
    `has ended: moose why ${id.slice(0, 8)}`
  return new Fault('work_order_conflict', message, { id, status })
}

/** For who acts on an order as it was looked at. */
export function changedSince(
  { id, content_sha256 }: { id: string; content_sha256: string },
  wish: 'approved' | 'edited',
): Fault {
  const short = id.slice(0, 8)
  const next =
    wish === 'approved' ? `Then approve that with: moose approve ${short}` : `Then edit that with: moose edit ${short}`
  const message =
    `What work order ${id} asks for was changed since it was looked at, so it was not ${wish}. See what it asks for ` +
    `now with: moose show ${short}   ${next}`
  return new Fault('work_order_conflict', message, { id, content_sha256 })
}

export type Move = {
  /** The move is made only from one of these. */
  from: readonly Status[]
  /** And not from this phase. */
  exceptPhase?: Phase
  /** And only from this phase. */
  inPhase?: Phase
  /** The attempt whose commit the next one is to verify; null: it makes a change. Left out, that stays as it is. */
  verifies?: number | null
  /** Whether a model may resolve what git cannot merge then. */
  resolves?: boolean
  /** The id of what that attempt is a reaction to; left out with `verifies`: it is none. */
  follows?: string
  to: Status
  /** Where a pull request of the order makes the move. */
  byPullRequest?: boolean
  /** Said in the event beside where the order moves. */
  because?: string
  /** For `in_progress` only. */
  phase?: Phase
  /** Merged into what is there; not for `in_progress`. */
  metadata?: Record<string, unknown>
  reason?: FaultRecord | null
  /** How a human has it retried. */
  retry?: RetryMode
}

/**
 * Writes `status` as a compare-and-set, with what follows from it, in one transaction; beside it only a claim does (claim.ts).
 *
 * @returns whether the order was in one of the `from` statuses and has moved
 */
export async function moveWorkOrder(db: Db, id: string, move: Move): Promise<boolean> {
  return await inOneTransaction(db, (transaction) => moveIn(transaction, id, move))
}

async function moveIn(db: Db, id: string, move: Move): Promise<boolean> {
  const byPullRequest = move.byPullRequest === true
  const illegal = move.from.find((status) => status !== move.to && !canMove(status, move.to, byPullRequest))
  if (illegal !== undefined) throw new Fault('internal', `No transition from ${illegal} to ${move.to}`)
  const exceptPhase = move.exceptPhase === undefined ? null : move.exceptPhase
  const inPhase = move.inPhase === undefined ? null : move.inPhase
  const moved = await db
    .updateTable('work_orders')
    .set({
      status: move.to,
      phase: move.phase === undefined ? null : move.phase,
      ...(move.verifies === undefined ? {} : toVerify(move.verifies, move)),
      ...(move.to === 'in_progress' ? {} : { metadata: metadataOfNextStatus({ ...move.metadata }) }),
      ...(move.reason === undefined
        ? {}
        : { status_reason: move.reason === null ? null : JSON.stringify(move.reason) }),
      ...(move.retry === undefined ? {} : { retry_mode: move.retry }),
      ...(move.retry === 'fresh' ? { asked_anew_after: sql<number>`attempts` } : {}),
    })
    .where('id', '=', id)
    .where('status', 'in', move.from)
    .$if(exceptPhase !== null, (update) => update.where('phase', 'is distinct from', exceptPhase))
    .$if(inPhase !== null, (update) => update.where('phase', '=', inPhase))
    .returning('id')
    .executeTakeFirst()
  if (moved === undefined) return false
  // What was to be an attempt of its own, and is none any more.
  const isOver = move.to === 'cancelled' || move.to === 'completed'
  if (isOver || move.verifies !== undefined) await endUnbegun(db, id)
  if (isOver) await endReruns(db, id)
  if (move.to === 'cancelled' && !byPullRequest) await giveUpPullRequests(db, id)
  const phase = move.phase === undefined ? null : move.phase
  const where = phase === null ? move.to : `${move.to}/${phase}`
  const message = move.because === undefined ? where : `${where}: ${move.because}`
  await recordEvent(db, { workOrderId: id, type: 'status', message, data: { status: move.to, phase } })
  return true
}

function toVerify(verifies: number | null, { resolves, follows }: Move) {
  return { verifies, resolves: resolves === true, follows: follows === undefined ? null : follows }
}

/**
 * The attempt's pull request is open: the order waits `in_review` for its merge. An order cancelled meanwhile keeps
 * its status and still learns where the pull request is; one completed meanwhile keeps the one that completed it.
 *
 * @returns whether it waits in review
 */
export async function recordPullRequestOfOrder(
  db: Db,
  id: string,
  facts: {
    pullRequest: { branch: string; url: string; number: number }
    proposer: string
    metadata: Record<string, unknown>
  },
): Promise<boolean> {
  const move = { from: ['in_progress'], to: 'in_progress', phase: 'in_review', verifies: null } as const
  const inReview = await moveWorkOrder(db, id, move)
  await db
    .updateTable('work_orders')
    .set({
      github_branch: facts.pullRequest.branch,
      github_pr_url: facts.pullRequest.url,
      github_pr_number: facts.pullRequest.number,
      proposer_name: facts.proposer,
      metadata: mergedMetadata(facts.metadata),
    })
    .where('id', '=', id)
    .where(({ or, eb }) => or([eb('status', '<>', 'completed'), eb('github_pr_url', '=', facts.pullRequest.url)]))
    .execute()
  return inReview
}

/** Those of some orders that are no longer being carried out. */
export async function noLongerInProgress(db: Db, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('work_orders')
    .select('id')
    .where('id', 'in', ids)
    .where('status', '<>', 'in_progress')
    .execute()
  return rows.map((row) => row.id)
}

/** Orders by status; every status is there, also with 0. */
export async function countByStatus(db: Db): Promise<Record<Status, number>> {
  const rows = await db
    .selectFrom('work_orders')
    .select(['status', (eb) => eb.fn.countAll<string>().as('count')])
    .where('status', 'in', STATUSES)
    .groupBy('status')
    .execute()
  const counts: Record<Status, number> = {
    pending: 0,
    in_progress: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    blocked: 0,
  }
  for (const row of rows) counts[row.status] = Number(row.count)
  return counts
}

/** As much of the id as no other order shares: 8 characters, or up to the next dash until it is unique. */
export async function shortIdOf(db: Db, id: string): Promise<string> {
  for (const length of [8, 13, 18, 23]) {
    const prefix = id.slice(0, length)
    const other = await db
      .selectFrom('work_orders')
      .select('id')
      .where('id', '<>', id)
      .where(sql<boolean>`starts_with(id::text, ${prefix})`)
      .executeTakeFirst()
    if (other === undefined) return prefix
  }
  return id
}

/** Characters of JSON of one key; the database takes no more of a key of ours. */
const MOST_OF_KEY = 100_000

/** `metadata || patch` in one statement: two writers never lose each other's keys. */
export function mergedMetadata(patch: Record<string, unknown>) {
  return sql<string>`${METADATA} || ${bounded(patch)}::jsonb`
}

/** A foreign Manager's decision may be of any size. */
function bounded(patch: Record<string, unknown>): string {
  const entries = Object.entries(patch).map(([key, value]) => {
    const json = JSON.stringify(value)
    return [key, json !== undefined && json.length > MOST_OF_KEY ? { left_out_characters: json.length } : value]
  })
  return JSON.stringify(Object.fromEntries(entries))
}

/** The same without what an order was released for (released-orders.ts), unless the patch sets it. */
function metadataOfNextStatus(patch: Record<string, unknown>) {
  return sql<string>`${METADATA} - 'released_for' || ${bounded(patch)}::jsonb`
}

/** A row from before the check on the column may hold any JSON. */
const METADATA = sql`(case when jsonb_typeof(work_orders.metadata) = 'object' then work_orders.metadata else '{}' end)`

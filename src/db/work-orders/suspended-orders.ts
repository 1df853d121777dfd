import { type ExpressionBuilder, type Kysely, sql, type Transaction } from 'kysely'
import { type FaultCode, type FaultRecord, NEXT_MOVE } from '../../faults/fault.ts'
import { processId } from '../../process/process-id.ts'
import { type AttemptRun, durationMs, type EndedAttempt } from '../attempts/attempts.ts'
import type { Database } from '../schema.ts'
import type { Runner } from '../workers/workers.ts'
import { BOUNDED_REASON } from './list-work-orders.ts'
import { IS_APPROVED } from './order-conditions.ts'

type Db = Kysely<Database>
type MoveOf = typeof NEXT_MOVE

/** A fault after which an attempt is resumed, once its condition is met. */
export type SuspendCode = { [Code in FaultCode]: MoveOf[Code] extends 'suspend' ? Code : never }[FaultCode]

/** The codes of such faults. */
export const SUSPEND_CODES = Object.entries(NEXT_MOVE).flatMap(([code, move]) => (move === 'suspend' ? [code] : []))

export function isSuspendCode(code: string): code is SuspendCode {
  return SUSPEND_CODES.includes(code)
}

/** An order whose last attempt rests. */
export type SuspendedOrder = {
  id: string
  attempt: number
  reason: FaultRecord & { code: SuspendCode }
}

/** So many are looked at at once. */
const LOOK_AHEAD = 10_000

/** For `where` on `attempts`. */
export function isSuspended({ and, eb }: ExpressionBuilder<Database, 'attempts'>) {
  return and([eb('attempts.status', '=', 'blocked'), eb(sql<string>`attempts.error ->> 'code'`, 'in', SUSPEND_CODES)])
}

/**
 * Approved orders that are blocked because their attempt rests, oldest first; those that wait for a provider by when
 * they began to: an order that has just found its provider away is released again after all others.
 */
export async function suspendedOrders(db: Db): Promise<SuspendedOrder[]> {
  const rows = await selectSuspended(db)
    .orderBy(
      sql`case attempts.error ->> 'code' when 'provider_paused' then attempts.ended_at else work_orders.created_at end`,
    )
    .orderBy('work_orders.id')
    .limit(LOOK_AHEAD)
    .execute()
  return rows.flatMap(asSuspended)
}

/** The same of one order; null: it is none of them. */
export async function suspendedOrder(db: Db, id: string): Promise<SuspendedOrder | null> {
  const rows = await selectSuspended(db).where('work_orders.id', '=', id).execute()
  const [order = null] = rows.flatMap(asSuspended)
  return order
}

/** The same of those of some orders whose attempt a retry resumes; of any other a retry begins a new attempt. */
export async function resumableOrders(
  db: Db,
  ids: readonly string[],
  { revision }: Pick<Runner, 'revision'>,
): Promise<SuspendedOrder[]> {
  if (ids.length === 0) return []
  const rows = await selectSuspended(db).where('work_orders.id', 'in', ids).where(isResumable(revision)).execute()
  return rows.flatMap(asSuspended)
}

function selectSuspended(db: Db) {
  return db
    .selectFrom('work_orders')
    .innerJoin('attempts', (join) =>
      join.onRef('attempts.work_order_id', '=', 'work_orders.id').onRef('attempts.number', '=', 'work_orders.attempts'),
    )
    .select(['work_orders.id', 'work_orders.attempts as attempt'])
    .select(BOUNDED_REASON.as('reason'))
    .where('work_orders.status', '=', 'blocked')
    .where(IS_APPROVED)
    .where(isSuspended)
    .where(sql<boolean>`work_orders.status_reason ->> 'code' = attempts.error ->> 'code'`)
}

function asSuspended({
  reason,
  ...row
}: Omit<SuspendedOrder, 'reason'> & { reason: FaultRecord | null }): SuspendedOrder[] {
  return reason === null || !isSuspendCode(reason.code) ? [] : [{ ...row, reason: { ...reason, code: reason.code } }]
}

const MOST_WAITING = 100
/** Characters; longer ones were written with plain SQL. */
const LONGEST_TITLE = 200

/** An order that waits for a condition; the reason is for the reader to check. */
export type WaitingOrder = { id: string; title: string; status_reason: FaultRecord | null }

/** Orders that are blocked until a condition is back, whether their attempt rests or not; oldest first, at most 100. */
export async function waitingOrders(db: Db): Promise<WaitingOrder[]> {
  return db
    .selectFrom('work_orders')
    .select(['id', sql<string>`left(title, ${LONGEST_TITLE})`.as('title'), BOUNDED_REASON.as('status_reason')])
    .where('status', '=', 'blocked')
    .where(sql<string>`status_reason ->> 'code'`, 'in', SUSPEND_CODES)
    .orderBy('created_at')
    .orderBy('id')
    .limit(MOST_WAITING)
    .execute()
}

/**
 * Resumes the last attempt of an order, if it is suspended and still what was approved: finished steps stay finished, the
 * one it rests at begins again.
 *
 * @returns null when a new attempt is needed, also because another revision of the pipeline began it; otherwise the name of the step it goes on at, null: the first
 */
export async function resumeAttempt(
  transaction: Transaction<Database>,
  id: string,
  { homeId, revision }: Runner,
): Promise<(AttemptRun & { step: string | null }) | null> {
  const row = await transaction
    .updateTable('attempts')
    .from('work_orders')
    .set({
      status: 'running',
      ended_at: null,
      error: null,
      resumed: sql<number>`attempts.resumed + 1`,
      executor_id: homeId,
      holder: processId,
    })
    .whereRef('work_orders.id', '=', 'attempts.work_order_id')
    .where('attempts.work_order_id', '=', id)
    .where(isResumable(revision))
    .returning(['attempts.number', 'attempts.resumed'])
    .executeTakeFirst()
  if (row === undefined) return null
  const step = await suspendedStep(transaction, id, row.number)
  return { workOrderId: id, attempt: row.number, epoch: row.resumed, step }
}

/** For `where` on `attempts` and `work_orders`: it rests, is the last of its order, and is still what was approved. */
function isResumable(revision: string) {
  return (eb: ExpressionBuilder<Database, 'attempts' | 'work_orders'>) =>
    eb.and([
      eb('attempts.number', '=', lastNumber),
      eb('attempts.revision', '=', revision),
      isSuspended(eb),
      sql<boolean>`coalesce(work_orders.asked_anew_after, 0) < attempts.number`,
      sql<boolean>`attempts.content = moose_order_content(work_orders)`,
      sql<boolean>`coalesce(work_orders.project_id, attempts.project_id) is not distinct from attempts.project_id`,
    ])
}

function lastNumber({ selectFrom }: ExpressionBuilder<Database, 'attempts'>) {
  return selectFrom('attempts as every')
    .select((eb) => eb.fn.max('every.number').as('last'))
    .whereRef('every.work_order_id', '=', 'attempts.work_order_id')
}

/** The step an attempt was suspended at, as it shows. */
async function suspendedStep(db: Db, workOrderId: string, attempt: number): Promise<string | null> {
  const step = await db
    .selectFrom('attempt_steps')
    .select('name')
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('status', '=', 'failed')
    .where(sql<string>`error ->> 'code'`, 'in', SUSPEND_CODES)
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return step === undefined ? null : step.name
}

/** For `where` on `attempts` and `work_orders`: it rests, and its order is over or has a newer attempt. */
function isAbandoned(eb: ExpressionBuilder<Database, 'attempts' | 'work_orders'>) {
  const isOver = eb('work_orders.status', 'in', ['cancelled', 'completed'])
  const isLeft = eb.or([isOver, eb('attempts.number', '<', lastNumber)])
  return eb.and([isSuspended(eb), isLeft])
}

/** Whether there is a suspended attempt that will never be resumed; most often there is none. */
export async function hasAbandoned(db: Db): Promise<boolean> {
  const row = await db
    .selectFrom('attempts')
    .innerJoin('work_orders', 'work_orders.id', 'attempts.work_order_id')
    .select('attempts.number')
    .where(isAbandoned)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Ends the suspended attempts that will never be resumed: their order was cancelled or completed, or has a newer attempt.
 *
 * @returns what was ended now
 */
export async function cancelAbandoned(db: Db): Promise<EndedAttempt[]> {
  return db
    .updateTable('attempts')
    .from('work_orders')
    .set({ status: 'cancelled' })
    .whereRef('work_orders.id', '=', 'attempts.work_order_id')
    .where(isAbandoned)
    .returningAll('attempts')
    .returning(durationMs())
    .execute()
}

import { type ExpressionBuilder, type Kysely, sql, type Transaction } from 'kysely'
import { type FaultCode, type FaultRecord, NEXT_MOVE } from '../errors.ts'
import { NO_USD, Usd } from '../money.ts'
import { type AttemptRun, durationMs, type EndedAttempt } from './attempts.ts'
import type { Database } from './schema.ts'
import { moveWorkOrder } from './work-orders.ts'

type Db = Kysely<Database>
type MoveOf = typeof NEXT_MOVE

/** A fault an attempt goes on after, once its condition is back. */
export type SuspendCode = { [Code in FaultCode]: MoveOf[Code] extends 'suspend' ? Code : never }[FaultCode]

/** Why an order rests and goes on by itself later. */
export const SUSPEND_CODES = Object.entries(NEXT_MOVE).flatMap(([code, move]) => (move === 'suspend' ? [code] : []))

/** An order whose last attempt rests. */
export type SuspendedOrder = {
  id: string
  attempt: number
  reason: FaultRecord & { code: SuspendCode }
}

/** So many are looked at at once. */
const LOOK_AHEAD = 1_000

const IS_APPROVED = sql<boolean>`work_orders.metadata ->> 'approved_by_director' = 'true'`

/** For `where` on `attempts`. */
function isSuspended({ and, eb }: ExpressionBuilder<Database, 'attempts'>) {
  return and([eb('attempts.status', '=', 'blocked'), eb(sql<string>`attempts.error ->> 'code'`, 'in', SUSPEND_CODES)])
}

/** Approved orders that are blocked because their attempt rests, oldest first. */
export async function suspendedOrders(db: Db): Promise<SuspendedOrder[]> {
  const rows = await db
    .selectFrom('work_orders')
    .innerJoin('attempts', (join) =>
      join.onRef('attempts.work_order_id', '=', 'work_orders.id').onRef('attempts.number', '=', 'work_orders.attempts'),
    )
    .select(['work_orders.id', 'work_orders.attempts as attempt', 'work_orders.status_reason as reason'])
    .where('work_orders.status', '=', 'blocked')
    .where(IS_APPROVED)
    .where(isSuspended)
    .where(sql<boolean>`work_orders.status_reason ->> 'code' = attempts.error ->> 'code'`)
    .orderBy('work_orders.created_at')
    .orderBy('work_orders.id')
    .limit(LOOK_AHEAD)
    .execute()
  return rows.flatMap(({ reason, ...row }) =>
    reason === null || !isSuspendCode(reason.code) ? [] : [{ ...row, reason: { ...reason, code: reason.code } }],
  )
}

function isSuspendCode(code: FaultCode): code is SuspendCode {
  return NEXT_MOVE[code] === 'suspend'
}

/** What an order may go on for, so that the same is not given to two (`promisedUsd`, `isProbed`). */
export type ReleasedFor = {
  /** A decimal: what its next call may cost; null: it did not wait for money. */
  usd: string | null
  /** Whose pause it tests; null: nobody's. */
  provider: string | null
}

/** Lets a suspended order go on. @returns false when somebody was faster */
export async function releaseOrder(db: Db, id: string, releasedFor: ReleasedFor): Promise<boolean> {
  const { last } = await db
    .selectFrom('budget_entries')
    .select((eb) => eb.fn.max('id').as('last'))
    .executeTakeFirstOrThrow()
  const metadata = { released_for: { ...releasedFor, after_entry: last === null ? '0' : last } }
  return moveWorkOrder(db, id, { from: ['blocked'], to: 'pending', reason: null, metadata })
}

/** Approved orders that were let go on, and are on their way to what they were let go on for. */
function releasedOrders(db: Db) {
  return db
    .selectFrom('work_orders')
    .where('status', 'in', ['pending', 'in_progress'])
    .where('phase', 'is distinct from', 'in_review')
    .where(IS_APPROVED)
    .where(sql<boolean>`metadata ? 'released_for'`)
}

/** USD that orders will reserve any moment, because they were let go on for it and have reserved nothing since. */
export async function promisedUsd(db: Db): Promise<Usd> {
  const { total } = await releasedOrders(db)
    .select(sql<string | null>`sum(${partOf('usd', AMOUNT)}::numeric)`.as('total'))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('budget_entries')
            .select('id')
            .whereRef('work_order_id', '=', 'work_orders.id')
            .where('kind', '=', 'reserved')
            .where('id', '>', sql<string>`${partOf('after_entry', ENTRY)}::bigint`),
        ),
      ),
    )
    .executeTakeFirstOrThrow()
  return total === null ? NO_USD : new Usd(total)
}

/** Whether an order is on its way to find out whether a provider is back. */
export async function isProbed(db: Db, provider: string): Promise<boolean> {
  const row = await releasedOrders(db)
    .select('id')
    .where(sql<boolean>`metadata -> 'released_for' ->> 'provider' = ${provider}`)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

const AMOUNT = String.raw`^\d{1,12}(\.\d{1,40})?$`
const ENTRY = String.raw`^\d{1,18}$`

/** Anybody may write into the metadata of an order: what does not look as it should is null. */
function partOf(key: 'usd' | 'after_entry', form: string) {
  const value = sql`work_orders.metadata -> 'released_for' ->> ${sql.lit(key)}`
  return sql`(case when ${value} ~ ${sql.lit(form)} then ${value} end)`
}

/**
 * Has the last attempt of an order go on, if it rests and is still what was approved: finished steps stay finished, the
 * one it rests at begins again.
 *
 * Only where it began: its commit is in the mirror of that home.
 *
 * @returns null when a new attempt is needed; otherwise the name of the step it goes on at, null: the first
 */
export async function resumeAttempt(
  transaction: Transaction<Database>,
  id: string,
  executorId: string,
): Promise<(AttemptRun & { step: string | null }) | null> {
  const row = await transaction
    .updateTable('attempts')
    .from('work_orders')
    .set({ status: 'running', ended_at: null, error: null, resumed: sql<number>`attempts.resumed + 1` })
    .whereRef('work_orders.id', '=', 'attempts.work_order_id')
    .where('attempts.work_order_id', '=', id)
    .where('attempts.number', '=', lastNumber)
    .where('attempts.executor_id', '=', executorId)
    .where(isSuspended)
    .where(sql<boolean>`attempts.content = moose_order_content(work_orders)`)
    .where(sql<boolean>`coalesce(work_orders.project_id, attempts.project_id) is not distinct from attempts.project_id`)
    .returning(['attempts.number', 'attempts.resumed'])
    .executeTakeFirst()
  if (row === undefined) return null
  const step = await beginStepsAgain(transaction, id, row.number)
  return { workOrderId: id, attempt: row.number, resumed: row.resumed, step }
}

function lastNumber({ selectFrom }: ExpressionBuilder<Database, 'attempts'>) {
  return selectFrom('attempts as every')
    .select((eb) => eb.fn.max('every.number').as('last'))
    .whereRef('every.work_order_id', '=', 'attempts.work_order_id')
}

/** What speaks of the suspension itself has not ended any more. @returns the step that was suspended */
async function beginStepsAgain(db: Db, workOrderId: string, attempt: number): Promise<string | null> {
  await db
    .deleteFrom('attempt_steps')
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('name', '=', 'record')
    .execute()
  const step = await db
    .updateTable('attempt_steps')
    .set({ status: 'running', output: null, error: null, ended_at: null })
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('status', '=', 'failed')
    .where(sql<string>`error ->> 'code'`, 'in', SUSPEND_CODES)
    .returning('name')
    .executeTakeFirst()
  return step === undefined ? null : step.name
}

/**
 * Ends the suspended attempts nobody will resume: their order was cancelled, or has a newer attempt.
 *
 * @returns what was ended now
 */
export async function cancelAbandoned(db: Db): Promise<EndedAttempt[]> {
  return db
    .updateTable('attempts')
    .from('work_orders')
    .set({ status: 'cancelled' })
    .whereRef('work_orders.id', '=', 'attempts.work_order_id')
    .where(isSuspended)
    .where((eb) => eb.or([eb('work_orders.status', '=', 'cancelled'), eb('attempts.number', '<', lastNumber)]))
    .returningAll('attempts')
    .returning(durationMs())
    .execute()
}

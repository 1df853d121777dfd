import { type ExpressionBuilder, type Kysely, type Selectable, sql } from 'kysely'
import type { FaultCode, FaultRecord } from '../../faults/fault.ts'
import type { Database, OutcomeFacts } from '../schema.ts'

type Db = Kysely<Database>
export type AttemptRow = Selectable<Database['attempts']>

export type AttemptKey = { workOrderId: string; attempt: number }

/** One run of an attempt, from its claim or its resumption to its end or its suspension; the first is `epoch: 0`. */
export type AttemptRun = AttemptKey & { epoch: number }

/** For a query: the row of one attempt. */
export function selectAttempt(db: Db, { workOrderId, attempt }: AttemptKey) {
  return db.selectFrom('attempts').where('work_order_id', '=', workOrderId).where('number', '=', attempt)
}

/** One that exists. */
export async function findAttempt(db: Db, key: AttemptKey): Promise<AttemptRow> {
  return selectAttempt(db, key).selectAll().executeTakeFirstOrThrow()
}

/** Those of an order, the first one first. */
export async function attemptsOf(db: Db, workOrderId: string): Promise<AttemptRow[]> {
  return db.selectFrom('attempts').selectAll().where('work_order_id', '=', workOrderId).orderBy('number').execute()
}

/** The commits that attempts of an order have made or verified last, of each that has one. */
export async function commitsOf(db: Db, workOrderId: string): Promise<{ attempt: number; headSha: string }[]> {
  const rows = await db
    .selectFrom('attempts')
    .select(['number as attempt', 'head_sha'])
    .where('work_order_id', '=', workOrderId)
    .orderBy('number')
    .execute()
  return rows.flatMap(({ attempt, head_sha: headSha }) => (headSha === null ? [] : [{ attempt, headSha }]))
}

/** A run this executor has begun and not ended. */
export type StandingRun = AttemptRun & {
  /** How often it was resumed after its process had died. */
  takeovers: number
  /** Whether its process has died, and it was not resumed since. */
  isLeftBehind: boolean
}

/** Attempts this executor has begun and not ended; after a crash, those to take up again. Oldest first. */
export async function runningAttempts(db: Db, homeId: string): Promise<StandingRun[]> {
  const rows = await db
    .selectFrom('attempts')
    .select(['work_order_id', 'number', 'resumed', 'takeovers', 'left_behind'])
    .where('status', '=', 'running')
    .where('executor_id', '=', homeId)
    .orderBy('claimed_at')
    .execute()
  return rows.map(({ work_order_id, number, resumed, takeovers, left_behind }) => ({
    workOrderId: work_order_id,
    attempt: number,
    epoch: resumed,
    takeovers,
    isLeftBehind: left_behind,
  }))
}

/** For `where` on `work_orders`: no attempt of the order runs. */
export function hasNoRunningAttempt({ not, exists, selectFrom }: ExpressionBuilder<Database, 'work_orders'>) {
  return not(
    exists(
      selectFrom('attempts')
        .select('number')
        .whereRef('attempts.work_order_id', '=', 'work_orders.id')
        .where('attempts.status', '=', 'running'),
    ),
  )
}

/** Orders in an attempt that cannot run any more: its row is gone. */
export async function ordersWithoutAttempt(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('work_orders')
    .select('id')
    .where('status', '=', 'in_progress')
    .where('phase', '<>', 'in_review')
    .where(hasNoRunningAttempt)
    .execute()
  return rows.map((row) => row.id)
}

/** What a living process sees and ends by itself is over within this time. */
const BY_ITSELF = '10 minutes'

/**
 * Orders in an attempt that no live process runs: its process has been gone for ten minutes and no worker has
 * taken it over, or its record is gone. Their ids, oldest first.
 */
export async function ordersWithoutProcess(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select work_orders.id from work_orders
    left join attempts on attempts.work_order_id = work_orders.id and attempts.status = 'running'
    left join workers on workers.executor_id = attempts.executor_id
    where work_orders.status = 'in_progress' and work_orders.phase <> 'in_review'
      and coalesce(attempts.claimed_at, work_orders.updated_at, work_orders.created_at) < ${BY_ITSELF_AGO}
      and (workers.lease_until is null or workers.lease_until < ${BY_ITSELF_AGO})
    order by work_orders.created_at, work_orders.id
  `.execute(db)
  return rows.map(({ id }) => id)
}

const BY_ITSELF_AGO = sql`moose_now() - ${BY_ITSELF}::interval`

/** An attempt that failed, with its commit where it made one. */
export type LastFailure = Pick<AttemptRow, 'number' | 'project_id' | 'base_sha' | 'head_sha'> & { error: FaultRecord }

/**
 * The last attempt before this one that failed with one of these codes; null: there is none, or none since a human
 * had the models asked anew.
 */
export async function lastFailureBefore(
  db: Db,
  { workOrderId, attempt }: AttemptKey,
  codes: readonly FaultCode[],
): Promise<LastFailure | null> {
  const row = await db
    .selectFrom('attempts')
    .select(['number', 'project_id', 'base_sha', 'head_sha', 'error'])
    .where('work_order_id', '=', workOrderId)
    .where('number', '<', attempt)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('work_orders')
          .select('id')
          .where('id', '=', workOrderId)
          // What an attempt from before then was told stays as it was.
          .where(sql<boolean>`coalesce(asked_anew_after not between attempts.number and ${attempt - 1}, true)`),
      ),
    )
    .where('status', '=', 'failed')
    // Of a commit that was verified again a model has made no part, or was told of it before.
    .where('verifies', 'is', null)
    .where(sql<string>`error ->> 'code'`, 'in', codes)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('outcome_vectors as outcome')
            .select('outcome.id')
            .whereRef('outcome.work_order_id', '=', 'attempts.work_order_id')
            .whereRef('outcome.attempt', '=', 'attempts.number')
            .where('outcome.counts', '=', false),
        ),
      ),
    )
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined || row.error === null) return null
  return { ...row, error: row.error }
}

/** Whether there is a later run of the attempt than this one. */
export async function isResumedSince(db: Db, { epoch, ...key }: AttemptRun): Promise<boolean> {
  const row = await selectAttempt(db, key).select('number').where('resumed', '>', epoch).executeTakeFirst()
  return row !== undefined
}

/** An attempt that has ended. */
export type EndedAttempt = AttemptRow & {
  /** How long it was worked on; without the time for which it was suspended. */
  duration_ms: number
}

type AttemptEnding = {
  status: 'succeeded' | 'failed' | 'blocked' | 'cancelled'
  error: FaultRecord | null
  branch?: string
  suspendedOutcome?: OutcomeFacts
}

/**
 * Ends a run of an attempt.
 *
 * @returns null when it had ended before, or has been resumed since, so that an end is recorded once
 */
export async function endAttempt(
  db: Db,
  { workOrderId, attempt, epoch }: AttemptRun,
  end: AttemptEnding,
): Promise<EndedAttempt | null> {
  const row = await db
    .updateTable('attempts')
    .set({
      status: end.status,
      error: end.error === null ? null : JSON.stringify(end.error),
      ended_at: sql<Date>`clock_timestamp()`,
      cost_usd: costOf({ workOrderId, attempt }),
      ...(end.branch === undefined ? {} : { branch: end.branch }),
      ...(end.suspendedOutcome === undefined ? {} : { suspended_outcome: JSON.stringify(end.suspendedOutcome) }),
    })
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', attempt)
    .where('resumed', '=', epoch)
    .where('status', '=', 'running')
    .returningAll()
    .returning(durationMs())
    .executeTakeFirst()
  if (row === undefined) return null
  await addUpCost(db, workOrderId)
  return row
}

/**
 * For a query on an ended attempt. The time of one that was resumed is that of its steps: it may have rested for longer
 * than an integer holds.
 */
export function durationMs() {
  return sql<number>`round(1000 * extract(epoch from case when resumed = 0 then ended_at - claimed_at else (
    select coalesce(sum(step.ended_at - step.started_at), interval '0') from attempt_steps as step
    where step.work_order_id = attempts.work_order_id and step.attempt = attempts.number
  ) end))::float8`.as('duration_ms')
}

async function addUpCost(db: Db, workOrderId: string): Promise<void> {
  await db
    .updateTable('work_orders')
    .set({
      actual_cost: sql<string>`(select sum(moose_usd(cost_usd)) from attempts where work_order_id = ${workOrderId})`,
    })
    .where('id', '=', workOrderId)
    .execute()
}

/** For a query: USD of the calls an attempt has made; calls of unknown price count as nothing. */
export function costOf({ workOrderId, attempt }: AttemptKey) {
  return sql<string>`(
    select coalesce(sum(moose_usd(cost_usd)), 0) from model_calls where work_order_id = ${workOrderId} and attempt = ${attempt}
  )`
}

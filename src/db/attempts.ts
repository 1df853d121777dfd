import { type ExpressionBuilder, type Kysely, type Selectable, sql } from 'kysely'
import type { AttemptView, StepView } from '../contract/work-orders.ts'
import type { FaultRecord } from '../errors.ts'
import type { Database } from './schema.ts'

type Db = Kysely<Database>
export type AttemptRow = Selectable<Database['attempts']>

export type AttemptKey = { workOrderId: string; attempt: number }

/** One run of an attempt, from its claim or its resumption to its end or its suspension; the first is `resumed: 0`. */
export type AttemptRun = AttemptKey & { resumed: number }

export async function findAttempt(db: Db, { workOrderId, attempt }: AttemptKey): Promise<AttemptRow> {
  return db
    .selectFrom('attempts')
    .selectAll()
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', attempt)
    .executeTakeFirstOrThrow()
}

/** Attempts this executor has begun and not ended; after a crash, those to take up again. Oldest first. */
export async function runningAttempts(db: Db, executorId: string): Promise<AttemptRun[]> {
  const rows = await db
    .selectFrom('attempts')
    .select(['work_order_id', 'number', 'resumed'])
    .where('status', '=', 'running')
    .where('executor_id', '=', executorId)
    .orderBy('claimed_at')
    .execute()
  return rows.map((row) => ({ workOrderId: row.work_order_id, attempt: row.number, resumed: row.resumed }))
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

/** Orders that stand in an attempt nobody can run any more: its row is gone. */
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

/** Whether the attempt has gone on after this run of it. */
export async function isResumedSince(db: Db, { workOrderId, attempt, resumed }: AttemptRun): Promise<boolean> {
  const row = await db
    .selectFrom('attempts')
    .select('number')
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', attempt)
    .where('resumed', '>', resumed)
    .executeTakeFirst()
  return row !== undefined
}

/** Remembers what the attempt has made so far. */
export async function noteAttempt(
  db: Db,
  { workOrderId, attempt }: AttemptKey,
  facts: { project_id?: string; base_sha?: string; head_sha?: string; decision_id?: string | null },
): Promise<void> {
  await db
    .updateTable('attempts')
    .set(facts)
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', attempt)
    .execute()
}

/** An attempt that has ended. */
export type EndedAttempt = AttemptRow & {
  /** How long it was worked on; without the time for which it was suspended. */
  duration_ms: number
}

/**
 * Ends a run of an attempt.
 *
 * @returns null when it had ended before, or has been resumed since, so that an end is recorded once
 */
export async function endAttempt(
  db: Db,
  { workOrderId, attempt, resumed }: AttemptRun,
  end: { status: 'succeeded' | 'failed' | 'blocked' | 'cancelled'; error: FaultRecord | null; branch?: string },
): Promise<EndedAttempt | null> {
  const row = await db
    .updateTable('attempts')
    .set({
      status: end.status,
      error: end.error === null ? null : JSON.stringify(end.error),
      ended_at: sql<Date>`clock_timestamp()`,
      cost_usd: costOf({ workOrderId, attempt }),
      ...(end.branch === undefined ? {} : { branch: end.branch }),
    })
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', attempt)
    .where('resumed', '=', resumed)
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
    .set({ actual_cost: sql<string>`(select sum(cost_usd) from attempts where work_order_id = ${workOrderId})` })
    .where('id', '=', workOrderId)
    .execute()
}

/** USD of the calls an attempt has made; calls of unknown price count as nothing. */
function costOf({ workOrderId, attempt }: AttemptKey) {
  return sql<string>`(
    select coalesce(sum(cost_usd), 0) from model_calls where work_order_id = ${workOrderId} and attempt = ${attempt}
  )`
}

/** One try of a step: the first is 1. */
export type StepKey = AttemptKey & { name: string; try: number }

/** How a step has ended before; null when it has not. */
export async function endedStep(
  db: Db,
  { workOrderId, attempt, name, try: number }: StepKey,
): Promise<{ output: unknown; error: FaultRecord | null } | null> {
  const row = await db
    .selectFrom('attempt_steps')
    .select(['output', 'error'])
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('name', '=', name)
    .where('try', '=', number)
    .where('status', '<>', 'running')
    .executeTakeFirst()
  return row === undefined ? null : row
}

/** What the steps of an attempt have left, by name; of several tries, the last. */
export async function stepOutputs(db: Db, { workOrderId, attempt }: AttemptKey): Promise<ReadonlyMap<string, unknown>> {
  const rows = await db
    .selectFrom('attempt_steps')
    .select(['name', 'output'])
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('output', 'is not', null)
    .orderBy('try')
    .execute()
  return new Map(rows.map(({ name, output }) => [name, output]))
}

/** A step begins, or begins again after a crash or a suspension. */
export async function beginStep(
  db: Db,
  { workOrderId, attempt, name, try: number }: StepKey,
  stepInput: unknown,
): Promise<void> {
  const input = JSON.stringify(stepInput)
  await db
    .insertInto('attempt_steps')
    .values({ work_order_id: workOrderId, attempt, name, try: number, status: 'running', input })
    .onConflict((conflict) =>
      conflict.columns(['work_order_id', 'attempt', 'name', 'try']).doUpdateSet({
        status: 'running',
        input,
        output: null,
        error: null,
        ended_at: null,
        started_at: sql<Date>`clock_timestamp()`,
        runs: sql<number>`attempt_steps.runs + 1`,
      }),
    )
    .execute()
}

/** A step ends; its cost is what the attempt has spent beyond the steps before it. */
export async function endStep(
  db: Db,
  { workOrderId, attempt, name, try: number }: StepKey,
  end: { status: 'succeeded' | 'failed'; output: unknown; error: FaultRecord | null },
): Promise<{ costUsd: number; durationMs: number }> {
  const key = { workOrderId, attempt }
  const row = await db
    .updateTable('attempt_steps')
    .set({
      status: end.status,
      output: end.output === undefined ? null : JSON.stringify(end.output),
      error: end.error === null ? null : JSON.stringify(end.error),
      ended_at: sql<Date>`clock_timestamp()`,
      cost_usd: sql<string>`${costOf(key)} - (
        select coalesce(sum(cost_usd), 0) from attempt_steps as others
        where others.work_order_id = ${workOrderId} and others.attempt = ${attempt}
          and (others.name, others.try) <> (${name}, ${number})
      )`,
    })
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('name', '=', name)
    .where('try', '=', number)
    .returning(['cost_usd', sql<string>`round(extract(epoch from (ended_at - started_at)) * 1000)`.as('duration_ms')])
    .executeTakeFirst()
  // It never began: the order was taken away before.
  if (row === undefined) return { costUsd: 0, durationMs: 0 }
  return { costUsd: Number(row.cost_usd), durationMs: Number(row.duration_ms) }
}

/** Every attempt of an order with its steps, oldest first. */
export async function attemptHistory(db: Db, workOrderId: string): Promise<AttemptView[]> {
  const attempts = await db
    .selectFrom('attempts')
    .selectAll()
    .where('work_order_id', '=', workOrderId)
    .orderBy('number')
    .execute()
  const steps = await db
    .selectFrom('attempt_steps')
    .selectAll()
    .where('work_order_id', '=', workOrderId)
    .orderBy('started_at')
    .execute()
  return attempts.map((attempt) =>
    toAttemptView(
      attempt,
      steps.filter((step) => step.attempt === attempt.number),
    ),
  )
}

function toAttemptView(row: AttemptRow, steps: Selectable<Database['attempt_steps']>[]): AttemptView {
  return {
    number: row.number,
    status: row.status,
    branch: row.branch,
    base_sha: row.base_sha,
    head_sha: row.head_sha,
    cost_usd: Number(row.cost_usd),
    error: row.error,
    claimed_at: row.claimed_at.toISOString(),
    ended_at: row.ended_at === null ? null : row.ended_at.toISOString(),
    steps: steps.map(toStepView),
  }
}

function toStepView(row: Selectable<Database['attempt_steps']>): StepView {
  return {
    name: row.name,
    try: row.try,
    status: row.status,
    runs: row.runs,
    input: row.input,
    output: row.output,
    error: row.error,
    cost_usd: Number(row.cost_usd),
    started_at: row.started_at.toISOString(),
    ended_at: row.ended_at === null ? null : row.ended_at.toISOString(),
  }
}

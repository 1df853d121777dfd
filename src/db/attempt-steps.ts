import { type Kysely, sql } from 'kysely'
import type { FaultRecord } from '../errors.ts'
import { type AttemptKey, costOf } from './attempts.ts'
import type { Database } from './schema.ts'

type Db = Kysely<Database>

/** One try of a step: the first is 1. */
export type StepKey = AttemptKey & { name: string; try: number }

/** How a step has ended before; null when it has not. */
export async function endedStep(
  db: Db,
  { workOrderId, attempt, name, try: number }: StepKey,
): Promise<{ output: unknown; error: FaultRecord | null; executorId: string | null } | null> {
  const row = await db
    .selectFrom('attempt_steps')
    .select(['output', 'error', 'executor_id as executorId'])
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('name', '=', name)
    .where('try', '=', number)
    .where('status', '<>', 'running')
    .executeTakeFirst()
  return row === undefined ? null : row
}

/** Whether a try of a step has ended well. */
export async function hasSucceeded(db: Db, { workOrderId, attempt }: AttemptKey, name: string): Promise<boolean> {
  const row = await db
    .selectFrom('attempt_steps')
    .select('name')
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('name', '=', name)
    .where('status', '=', 'succeeded')
    .executeTakeFirst()
  return row !== undefined
}

/** Forgets the tries of these steps that were made in another home: what they speak of is made anew. */
export async function forgetElsewhere(
  db: Db,
  { workOrderId, attempt }: AttemptKey,
  { names, executorId }: { names: readonly string[]; executorId: string },
): Promise<void> {
  await db
    .deleteFrom('attempt_steps')
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('name', 'in', names)
    .where('executor_id', '<>', executorId)
    .execute()
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
  { workOrderId, attempt, name, try: number, executorId }: StepKey & { executorId: string },
  stepInput: unknown,
): Promise<void> {
  const input = JSON.stringify(stepInput)
  await db
    .insertInto('attempt_steps')
    .values({
      work_order_id: workOrderId,
      attempt,
      name,
      try: number,
      status: 'running',
      input,
      executor_id: executorId,
    })
    .onConflict((conflict) =>
      conflict.columns(['work_order_id', 'attempt', 'name', 'try']).doUpdateSet({
        status: 'running',
        input,
        executor_id: executorId,
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

import { type Kysely, sql } from 'kysely'
import { Fault, type FaultRecord } from '../errors.ts'
import type { Phase } from '../work-order/status.ts'
import { type AttemptKey, type AttemptRun, costOf } from './attempts.ts'
import { fence } from './fence.ts'
import { takenOver } from './hold-attempt.ts'
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

/** Of a step of a run of an attempt: which one it is, and what it is called in the log. */
export type HeldStep = StepKey & AttemptRun & { label: string }

/**
 * A step begins, or begins again after a crash or a suspension: together with its event and with the phase of its order,
 * or not at all. One statement, so that it costs one round trip and needs no transaction.
 *
 * @param phase null: the order stays in the one it is in
 * @param again whether also one that has ended begins anew
 * @returns false when it has ended before, and nothing was done
 * @throws {Fault} `attempt_taken_over`; `attempt_cancelled` when the order is not being carried out any more
 */
export async function beginStep(
  db: Db,
  step: HeldStep,
  how: { input: unknown; phase: Phase | null; executorId: string; again: boolean },
): Promise<boolean> {
  const { name, try: number, label } = step
  const { input, phase, executorId, again } = how
  const { rows } = await sql<{ held: boolean; ended: boolean; begun: boolean }>`
    with held as ${fence(db, step)},
    ended as (
      select from attempt_steps as step, held
      where step.work_order_id = held.work_order_id and step.attempt = held.number
        and step.name = ${name} and step.try = ${number} and step.status <> 'running' and not ${again}::boolean
    ),
    moved as (
      update work_orders set phase = ${phase} from held
      where ${phase}::text is not null and work_orders.id = held.work_order_id and work_orders.status = 'in_progress'
        and not exists (select from ended)
      returning work_orders.id
    ),
    begun as (
      insert into attempt_steps (work_order_id, attempt, name, try, status, input, executor_id)
      select work_order_id, number, ${name}, ${number}::integer, 'running', ${JSON.stringify(input)}::jsonb, ${executorId}
      from held
      where (${phase}::text is null and not exists (select from ended)) or exists (select from moved)
      on conflict (work_order_id, attempt, name, try) do update set
        status = 'running', input = excluded.input, executor_id = excluded.executor_id, output = null, error = null,
        ended_at = null, started_at = clock_timestamp(), runs = attempt_steps.runs + 1
      returning work_order_id, attempt
    ),
    told as (
      insert into work_order_events (work_order_id, attempt, step, type, message, data)
      select work_order_id, event.attempt, step, type, message, data
      from begun, lateral (values
        (1, begun.attempt, ${name}, 'step_started', ${label}, '{}'::jsonb),
        (2, null, null, 'status', 'in_progress/' || ${phase}::text,
          jsonb_build_object('status', 'in_progress', 'phase', ${phase}::text))
      ) as event (place, attempt, step, type, message, data)
      where message is not null order by place
    )
    select
      exists (select from held) as held, exists (select from ended) as ended, exists (select from begun) as begun
  `.execute(db)
  const [row] = rows
  if (row === undefined || !row.held) throw takenOver(step)
  if (row.begun || row.ended) return row.begun
  throw new Fault('attempt_cancelled', 'The order was cancelled.', { id: step.workOrderId })
}

/**
 * A step ends, together with its event, in one statement. Its cost is what the attempt has spent beyond the steps before
 * it. One that never began, because its order was taken away before, is told of only.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function endStep(
  db: Db,
  step: HeldStep,
  { output, failure }: { output: unknown; failure: FaultRecord | null },
): Promise<void> {
  const { workOrderId, attempt, name, try: number } = step
  const status = failure === null ? 'succeeded' : 'failed'
  const { rows } = await sql`
    with held as ${fence(db, step)},
    ended as (
      update attempt_steps as step set
        status = ${status},
        output = ${output === undefined ? null : JSON.stringify(output)},
        error = ${failure === null ? null : JSON.stringify(failure)},
        ended_at = clock_timestamp(),
        cost_usd = ${costOf({ workOrderId, attempt })} - (
          select coalesce(sum(cost_usd), 0) from attempt_steps as others
          where others.work_order_id = ${workOrderId} and others.attempt = ${attempt}
            and (others.name, others.try) <> (${name}, ${number})
        )
      from held
      where step.work_order_id = held.work_order_id and step.attempt = held.number
        and step.name = ${name} and step.try = ${number}
      returning step.cost_usd, round(extract(epoch from step.ended_at - step.started_at) * 1000) as duration_ms
    )
    insert into work_order_events (work_order_id, attempt, step, type, message, data)
    select work_order_id, number, ${name}, ${`step_${status}`}, ${failure === null ? step.label : failure.message},
      jsonb_build_object('duration_ms', coalesce(duration_ms, 0), 'cost_usd', coalesce(cost_usd, 0))
        || ${JSON.stringify(failure === null ? {} : { code: failure.code })}::jsonb
    from held left join ended on true
    returning id
  `.execute(db)
  if (rows.length === 0) throw takenOver(step)
}

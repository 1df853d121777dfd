import { type Kysely, sql } from 'kysely'
import { codesOf } from '../../faults/families.ts'
import type { FaultRecord } from '../../faults/fault.ts'
import type { Phase } from '../../work-order/status.ts'
import type { Database } from '../schema.ts'
import { bounded } from '../work-order-events.ts'
import { type AttemptKey, type AttemptRun, costOf } from './attempts.ts'
import { fence, noLongerWanted, takenOver } from './hold-attempt.ts'

type Db = Kysely<Database>

/** One try of a step: the first is 1. */
export type StepKey = AttemptKey & { name: string; try: number }

/** The name of the step an attempt is in, or was in last; null: none was begun. */
export async function lastStep(db: Db, { workOrderId, attempt }: AttemptKey): Promise<string | null> {
  const row = await db
    .selectFrom('attempt_steps')
    .select('name')
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .orderBy(sql`status = 'running'`, 'desc')
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : row.name
}

/**
 * For a statement on `attempts`: the code of the last failure its checks have found in a change, whatever ended the attempt;
 * null: none. A verification that was stopped has found nothing.
 */
export function failedVerification() {
  return sql<string | null>`(
    select step.error ->> 'code' from attempt_steps as step
    where step.work_order_id = attempts.work_order_id and step.attempt = attempts.number and step.name = 'verify'
      and step.error ->> 'code' in (${sql.join(codesOf('model_work'))})
    order by step.try desc limit 1
  )`
}

/** Of a step of a run of an attempt: which one it is, and what it is called in the log. */
export type HeldStep = StepKey & AttemptRun & { label: string }

/**
 * Shows that a step begins, or begins again: together with its event and with the phase of its order, or not at all. One
 * statement, so that it costs one round trip and needs no transaction. Steps that were begun after an earlier beginning of
 * this one show no longer: they are made anew too.
 *
 * @param phase null: the order stays in the one it is in
 * @throws {Fault} `attempt_taken_over`; `attempt_cancelled` when the order is not being carried out any more
 */
export async function beginStep(
  db: Db,
  step: HeldStep,
  { input, phase, homeId }: { input: unknown; phase: Phase | null; homeId: string },
): Promise<void> {
  const { name, try: number, label } = step
  const { rows } = await sql<{ held: boolean; begun: boolean }>`
    with held as ${fence(db, step)},
    moved as (
      update work_orders set phase = ${phase} from held
      where ${phase}::text is not null and work_orders.id = held.work_order_id and work_orders.status = 'in_progress'
      returning work_orders.id
    ),
    begun as (
      insert into attempt_steps (work_order_id, attempt, name, try, status, input, executor_id)
      select work_order_id, number, ${name}, ${number}::integer, 'running', ${JSON.stringify(input)}::jsonb, ${homeId}
      from held where ${phase}::text is null or exists (select from moved)
      on conflict (work_order_id, attempt, name, try) do update set
        status = 'running', input = excluded.input, executor_id = excluded.executor_id, output = null, error = null,
        ended_at = null, started_at = clock_timestamp(), runs = attempt_steps.runs + 1
      returning work_order_id, attempt
    ),
    made_anew as (
      delete from attempt_steps as later using begun, attempt_steps as earlier
      where earlier.work_order_id = begun.work_order_id and earlier.attempt = begun.attempt
        and earlier.name = ${name} and earlier.try = ${number}::integer
        and later.work_order_id = begun.work_order_id and later.attempt = begun.attempt
        and later.started_at > earlier.started_at
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
    select exists (select from held) as held, exists (select from begun) as begun
  `.execute(db)
  const [row] = rows
  if (row === undefined || !row.held) throw takenOver(step)
  if (!row.begun) throw noLongerWanted(step.workOrderId)
}

/**
 * Keeps with the step that runs what it has given so far, for display. A step that fails shows that and nothing more, and one
 * that is begun again nothing until it gives it again.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function noteGiven(
  db: Db,
  run: AttemptRun,
  { name, given }: Pick<StepKey, 'name'> & { given: unknown },
): Promise<void> {
  const { rows } = await sql<{ held: boolean }>`
    with held as ${fence(db, run)},
    noted as (
      update attempt_steps as step set output = ${JSON.stringify(given)}::jsonb from held
      where step.work_order_id = held.work_order_id and step.attempt = held.number
        and step.name = ${name} and step.status = 'running'
    )
    select exists (select from held) as held
  `.execute(db)
  if (rows[0]?.held !== true) throw takenOver(run)
}

/**
 * Shows that a step has ended, together with its event, in one statement; of one that shows as ended already, nothing
 * changes. Its cost is what the attempt has spent beyond the steps before it. A step that never began, because its order
 * was taken away first, gets only an event.
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
  const { rows } = await sql<{ held: boolean }>`
    with held as ${fence(db, step)},
    known as (
      select step.status from attempt_steps as step, held
      where step.work_order_id = held.work_order_id and step.attempt = held.number
        and step.name = ${name} and step.try = ${number}
    ),
    ended as (
      update attempt_steps as step set
        status = ${status},
        output = ${output === undefined ? sql`step.output` : JSON.stringify(output)},
        error = ${failure === null ? null : JSON.stringify(failure)},
        ended_at = clock_timestamp(),
        cost_usd = ${costBeyondOthers({ workOrderId, attempt })}
      from held
      where step.work_order_id = held.work_order_id and step.attempt = held.number
        and step.name = ${name} and step.try = ${number} and step.status = 'running'
      returning step.cost_usd, round(extract(epoch from step.ended_at - step.started_at) * 1000) as duration_ms
    ),
    told as (
      insert into work_order_events (work_order_id, attempt, step, type, message, data)
      select work_order_id, number, ${name}, ${`step_${status}`}, ${failure === null ? step.label : bounded(failure.message)},
        jsonb_build_object('duration_ms', coalesce(duration_ms, 0), 'cost_usd', coalesce(cost_usd, 0))
          || ${JSON.stringify(failure === null ? {} : { code: failure.code })}::jsonb
      from held left join ended on true
      where not exists (select from known where status <> 'running')
    )
    select exists (select from held) as held
  `.execute(db)
  if (rows[0]?.held !== true) throw takenOver(step)
}

/** For a statement on `attempt_steps as step`: what the attempt has spent beyond its other steps. */
function costBeyondOthers({ workOrderId, attempt }: AttemptKey) {
  return sql`greatest(0, ${costOf({ workOrderId, attempt })} - (
    select coalesce(sum(moose_usd(cost_usd)), 0) from attempt_steps as others
    where others.work_order_id = step.work_order_id and others.attempt = step.attempt
      and (others.name, others.try) <> (step.name, step.try)
  ))`
}

/**
 * Shows that the steps of an attempt that ends in this transaction have ended too, with their events: `record`, whose
 * transaction it is, has succeeded, and one whose worker is gone has failed as the attempt does. After a crash behind the
 * transaction nothing runs that could show it.
 *
 * @param failure null: the attempt has succeeded
 */
export async function endShownSteps(
  db: Db,
  { workOrderId, attempt }: AttemptKey,
  failure: FaultRecord | null,
): Promise<void> {
  const error = failure === null ? null : JSON.stringify(failure)
  const message = failure === null ? null : bounded(failure.message)
  const code = JSON.stringify(failure === null ? {} : { code: failure.code })
  await sql`
    with ended as (
      update attempt_steps as step set
        status = case when name = 'record' then 'succeeded' else 'failed' end,
        error = case when name <> 'record' then ${error}::jsonb end,
        ended_at = clock_timestamp(),
        cost_usd = ${costBeyondOthers({ workOrderId, attempt })}
      where work_order_id = ${workOrderId} and attempt = ${attempt} and status = 'running'
      returning name, status, cost_usd, round(extract(epoch from ended_at - started_at) * 1000) as duration_ms
    )
    insert into work_order_events (work_order_id, attempt, step, type, message, data)
    select ${workOrderId}, ${attempt}, name, 'step_' || status, case status when 'failed' then ${message}::text else name end,
      jsonb_build_object('duration_ms', duration_ms, 'cost_usd', cost_usd)
        || case status when 'failed' then ${code}::jsonb else '{}' end
    from ended
  `.execute(db)
}

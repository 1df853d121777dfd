import { type Kysely, type RawBuilder, sql } from 'kysely'
import { COUNTS } from '../budget-entries/counted-entries.ts'
import { IS_LASTING, SAYS_SOMETHING } from '../outcome-vectors.ts'
import type { Database } from '../schema.ts'
import { SUSPEND_CODES } from '../work-orders/suspended-orders.ts'
import { dayIndex, isOfProject, isWithin, type NumbersRange } from './range.ts'

type Db = Kysely<Database>

/**
 * For `with`: attempts to make a change that ended in the range; what only verified a commit is none. `counted`: the end says
 * something about the work; those that were cancelled, and those that the set-up of their project ended, do not. What is
 * suspended has not ended.
 */
const runs = (range: NumbersRange) => sql`
  runs as (
    select attempts.work_order_id, attempts.number as attempt, attempts.status, attempts.ended_at,
      coalesce(attempts.error ->> 'code', 'unknown') as code,
      coalesce(outcome.counts, false) and attempts.status <> 'cancelled' as counted
    from attempts
    left join outcome_vectors as outcome on outcome.work_order_id = attempts.work_order_id
      and outcome.attempt = attempts.number and outcome.operation_type = 'work_order_execution'
    where attempts.status <> 'running' and attempts.verifies is null and ${isWithin(sql`attempts.ended_at`, range)}
      and ${isOfProject(sql`attempts.project_id`, range)}
      and not (attempts.status = 'blocked' and coalesce(attempts.error ->> 'code', '') in (${sql.join(SUSPEND_CODES)}))
  )`

/** For `with`: pull requests that ended in the range. */
const ends = (range: NumbersRange) => sql`
  ends as (
    select ending.work_order_id, ending.attempt, ending.outcome, ending.created_at as ended_at,
      pull_requests.created_at as opened_at,
      row_number() over (partition by ending.work_order_id, ending.outcome order by ending.created_at) as place
    from outcome_vectors as ending
    join attempts on attempts.work_order_id = ending.work_order_id and attempts.number = ending.attempt
    left join pull_requests on pull_requests.work_order_id = ending.work_order_id
      and pull_requests.attempt = ending.attempt
    where ending.operation_type = 'pull_request_end' and ${isWithin(sql`ending.created_at`, range)}
      and ${isOfProject(sql`attempts.project_id`, range)}
  )`

/** For a query: milliseconds between two times, none below 0. */
function msBetween(from: RawBuilder<unknown>, to: RawBuilder<unknown>): RawBuilder<number> {
  return sql`greatest(0, extract(epoch from ${to} - ${from}) * 1000)::float8`
}

/** What the rates are made of. */
export type RunCounts = Record<'ended' | 'succeeded' | 'again' | 'repaired', number>

/** Of attempts that ended and count; `again`: a step was tried again, and so was told what had failed. */
export async function countRuns(db: Db, range: NumbersRange): Promise<RunCounts> {
  const { rows } = await sql<RunCounts>`
    with ${runs(range)},
      tries as materialized (
        select status = 'succeeded' as succeeded, exists (
          select from attempt_steps as step
          where step.work_order_id = runs.work_order_id and step.attempt = runs.attempt and step.try > 1
        ) as again
        from runs where counted
      )
    select count(*)::integer as ended, (count(*) filter (where succeeded))::integer as succeeded,
      (count(*) filter (where again))::integer as again,
      (count(*) filter (where again and succeeded))::integer as repaired
    from tries
  `.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('counts are one row')
  return row
}

/** What ended on a day: pull requests, and all that the merged orders ever cost, as a decimal. */
export type EndsOfDay = { day_index: number; merged: number; closed: number; orders: string }

/** Days without an end are left out. An order with two merged pull requests costs once. */
export async function readEnds(db: Db, range: NumbersRange): Promise<EndsOfDay[]> {
  const { rows } = await sql<EndsOfDay>`
    with ${ends(range)}
    select ${dayIndex(sql`ended_at`, range)} as day_index,
      (count(*) filter (where outcome = 'merged'))::integer as merged,
      (count(*) filter (where outcome = 'closed'))::integer as closed,
      coalesce(sum(spent), 0) as orders
    from ends left join lateral (
      select sum(cost_usd) as spent from budget_entries as entry
      where entry.work_order_id = ends.work_order_id and ends.outcome = 'merged' and ends.place = 1 and ${COUNTS}
    ) as paid on true
    group by 1 order by 1
  `.execute(db)
  return rows
}

export type StepTimes = { step: string; count: number; total_ms: number; median_ms: number; p90_ms: number }

/** Of steps that ended in the range, and, as `review`, of pull requests that did. */
export async function readStepTimes(db: Db, range: NumbersRange): Promise<StepTimes[]> {
  const { rows } = await sql<StepTimes>`
    with ${ends(range)},
      times as (
        select step.name as step, ${msBetween(sql`step.started_at`, sql`step.ended_at`)} as ms
        from attempt_steps as step
        join attempts on attempts.work_order_id = step.work_order_id and attempts.number = step.attempt
        where ${isWithin(sql`step.ended_at`, range)} and ${isOfProject(sql`attempts.project_id`, range)}
        union all
        select 'review', ${msBetween(sql`opened_at`, sql`ended_at`)} from ends
        where opened_at is not null and outcome in ('merged', 'closed')
      )
    select step, count(*)::integer as count, sum(ms) as total_ms,
      percentile_cont(0.5) within group (order by ms) as median_ms,
      percentile_cont(0.9) within group (order by ms) as p90_ms
    from times group by step
  `.execute(db)
  return rows
}

/** For a query: what an attempt has cost, as `spent`. */
const joinPaid = (attempts: string) => sql`left join lateral (
    select sum(cost_usd) as spent from budget_entries as entry
    where entry.work_order_id = ${sql.ref(attempts)}.work_order_id and entry.attempt = ${sql.ref(attempts)}.attempt and ${COUNTS}
  ) as paid on true`

/** `spent` as a decimal. */
export type FailedRuns = {
  code: string
  attempts: number
  counted: number
  orders: number
  spent: string
  latest: string
}

/** The most frequent first. */
export async function readFailures(db: Db, range: NumbersRange): Promise<FailedRuns[]> {
  const { rows } = await sql<FailedRuns>`
    with ${runs(range)}
    select code, count(*)::integer as attempts, (count(*) filter (where counted))::integer as counted,
      count(distinct work_order_id)::integer as orders, coalesce(sum(spent), 0) as spent,
      (array_agg(work_order_id order by ended_at desc, work_order_id))[1] as latest
    from runs ${joinPaid('runs')} where status <> 'succeeded' group by code order by 2 desc, code
  `.execute(db)
  return rows
}

/** `spent` as a decimal; `median_ms` null: it is known of none. */
export type ProposerRuns = {
  proposer: string
  judged: number
  merged: number
  replayed: number
  spent: string
  median_ms: number | null
}

/** By the proposer the attempt was given to; those of which nothing was learnt, and nothing replayed, are left out. */
export async function readProposers(db: Db, range: NumbersRange): Promise<ProposerRuns[]> {
  const { rows } = await sql<ProposerRuns>`
    with judged as (
      select run.work_order_id, run.attempt, run.model_used as proposer, run.execution_time_ms,
        ${IS_LASTING} as merged,
        coalesce(run.metadata ->> 'replayed' = 'true', false) as replayed
      from outcome_vectors as run
      join attempts on attempts.work_order_id = run.work_order_id and attempts.number = run.attempt
      left join outcome_vectors as ending on ending.work_order_id = run.work_order_id
        and ending.attempt = run.attempt and ending.operation_type = 'pull_request_end'
      where run.operation_type = 'work_order_execution' and run.model_used <> 'none' and run.counts and ${SAYS_SOMETHING}
        and ${isWithin(sql`coalesce(ending.created_at, run.created_at)`, range)}
        and ${isOfProject(sql`attempts.project_id`, range)}
    )
    select proposer, (count(*) filter (where not replayed))::integer as judged,
      (count(*) filter (where not replayed and merged))::integer as merged,
      (count(*) filter (where replayed))::integer as replayed,
      coalesce(sum(spent) filter (where not replayed), 0) as spent,
      percentile_cont(0.5) within group (order by execution_time_ms) filter (where not replayed) as median_ms
    from judged ${joinPaid('judged')} group by proposer order by proposer
  `.execute(db)
  return rows
}

import { type Kysely, type Selectable, sql } from 'kysely'
import { z } from 'zod'
import { isoTime } from '../../clock.ts'
import { type AttemptView, type StepView, shownFault } from '../../contract/work-orders.ts'
import { shownRepository } from '../../git/repository-url.ts'
import type { Database } from '../schema.ts'
import { decimal } from '../work-orders/work-order-view.ts'
import type { AttemptRow } from './attempts.ts'

type Db = Kysely<Database>

/** Characters of JSON that went into a step and came out of it, and of all steps of an order. */
const MOST_OF_STEP = 1_000_000
const MOST_OF_HISTORY = 4_000_000

/** Every attempt of an order with its steps, oldest first. */
export async function attemptHistory(db: Db, workOrderId: string): Promise<AttemptView[]> {
  const attempts = await db
    .selectFrom('attempts')
    .selectAll()
    .where('work_order_id', '=', workOrderId)
    .orderBy('number')
    .execute()
  const steps = await boundedSteps(db, workOrderId)
  return attempts.map((attempt) =>
    toAttemptView(
      attempt,
      steps.filter((step) => step.attempt === attempt.number),
    ),
  )
}

const NamesProject = z.looseObject({ project: z.looseObject({ repository: z.string() }) })

/** What `route` has found names the repository as its row had it, which may be one that is refused now. */
function shownOutput(output: unknown): unknown {
  const { data } = NamesProject.safeParse(output)
  if (data === undefined) return output
  return { ...data, project: { ...data.project, repository: shownRepository(data.project.repository) } }
}

type StepRow = Selectable<Database['attempt_steps']> & { left_out: boolean }

/** Oldest first; what went in and came out only up to a bound, the newest first. */
async function boundedSteps(db: Db, workOrderId: string): Promise<StepRow[]> {
  const { rows } = await sql<StepRow>`
    select name, attempt, try, status, runs, error, cost_usd, started_at, ended_at, left_out,
      case when not left_out then input end as input, case when not left_out then output end as output
    from (
      select sized.*, characters > ${MOST_OF_STEP} or sum(characters) filter (where characters <= ${MOST_OF_STEP}) over (
        order by started_at desc, attempt desc, name, try desc
      ) > ${MOST_OF_HISTORY} as left_out
      from (
        select steps.*, coalesce(char_length(input::text), 0) + coalesce(char_length(output::text), 0) as characters
        from attempt_steps as steps where work_order_id = ${workOrderId}
      ) as sized
    ) as steps
    order by started_at
  `.execute(db)
  return rows
}

function toAttemptView(row: AttemptRow, steps: StepRow[]): AttemptView {
  return {
    number: row.number,
    status: row.status,
    branch: row.branch,
    base_sha: row.base_sha,
    head_sha: row.head_sha,
    cost_usd: costOf(row.cost_usd),
    error: shownFault(row.error),
    claimed_at: isoTime(row.claimed_at),
    ended_at: row.ended_at === null ? null : isoTime(row.ended_at),
    verifies: row.verifies,
    steps: steps.map(toStepView),
  }
}

/** A value that is no amount counts as 0. */
function costOf(cost: string): number {
  const usd = decimal(cost)
  return usd === null ? 0 : usd
}

function toStepView(row: StepRow): StepView {
  return {
    name: row.name,
    try: row.try,
    status: row.status,
    runs: row.runs,
    input: row.input,
    output: shownOutput(row.output),
    ...(row.left_out ? { left_out: true } : {}),
    error: shownFault(row.error),
    cost_usd: costOf(row.cost_usd),
    started_at: isoTime(row.started_at),
    ended_at: row.ended_at === null ? null : isoTime(row.ended_at),
  }
}

/** Which of some orders have a last attempt that was answered by a recording instead of a model, of use or not. */
export async function replayedOrders(db: Db, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db
    .selectFrom('work_orders')
    .select('id')
    .where('id', 'in', ids)
    .where(
      sql<boolean>`exists (
        select from model_calls as call
        where call.work_order_id = work_orders.id and call.attempt = work_orders.attempts and call.replayed
      ) or exists (
        select from attempt_steps as step
        where step.work_order_id = work_orders.id and step.attempt = work_orders.attempts and step.name = 'propose'
          and step.output -> 'response' ->> 'replayed' = 'true'
      )`,
    )
    .execute()
  return new Set(rows.map(({ id }) => id))
}

/** An attempt that was routed and has ended, or whose pull request is open. */
export type RoutedAttempt = {
  workOrderId: string
  attempt: number
  title: string
  /** The order as it was approved; for the reader to check. */
  content: unknown
  /** Whom it was given to. */
  proposer: string
  costUsd: number
  /** Null: its pull request is still open. */
  merged: boolean | null
}

/**
 * The latest attempts that ended, newest first; not those of recordings, nor those a condition or a human ended, nor those with a
 * pull request of whose end nothing is learnt.
 */
export async function readRoutedAttempts(db: Db, latest: number): Promise<RoutedAttempt[]> {
  const rows = await db
    .selectFrom('outcome_vectors as run')
    .innerJoin('attempts', (join) =>
      join.onRef('attempts.work_order_id', '=', 'run.work_order_id').onRef('attempts.number', '=', 'run.attempt'),
    )
    .innerJoin('work_orders', 'work_orders.id', 'attempts.work_order_id')
    .leftJoin('outcome_vectors as ending', (join) =>
      join
        .onRef('ending.work_order_id', '=', 'run.work_order_id')
        .onRef('ending.attempt', '=', 'run.attempt')
        .on('ending.operation_type', '=', 'pull_request_end'),
    )
    .select([
      'attempts.work_order_id as workOrderId',
      'attempts.number as attempt',
      'work_orders.title',
      'attempts.content',
      'run.model_used as proposer',
      sql<string>`coalesce(moose_usd(attempts.cost_usd), 0)`.as('cost'),
      'run.outcome as outcome',
      'ending.success as merged',
    ])
    .where('run.operation_type', '=', 'work_order_execution')
    .where('run.outcome', 'in', ['pull_request_opened', 'failed'])
    .where('run.model_used', '<>', 'none')
    .where(sql<boolean>`coalesce(ending.outcome in ('merged', 'closed'), true)`)
    .where(sql<boolean>`run.metadata ->> 'replayed' is distinct from 'true'`)
    .orderBy('attempts.claimed_at', 'desc')
    .limit(latest)
    .execute()
  return rows.map(({ cost, outcome, merged, proposer, ...row }) => ({
    ...row,
    proposer: String(proposer),
    costUsd: Number(cost),
    merged: outcome === 'failed' ? false : merged,
  }))
}

/** The decisions an order has been routed by, oldest first: the output of each attempt's step `route`. */
export async function readPastRoutes(db: Db, workOrderId: string): Promise<{ attempt: number; output: unknown }[]> {
  return db
    .selectFrom('attempt_steps')
    .select(['attempt', 'output'])
    .where('work_order_id', '=', workOrderId)
    .where('name', '=', 'route')
    .where('status', '=', 'succeeded')
    .orderBy('attempt')
    .orderBy('try')
    .execute()
}

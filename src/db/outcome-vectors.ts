import { type Insertable, type Kysely, type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import type { Repair } from '../contract/evidence/repair.ts'
import { codesOf } from '../faults/families.ts'
import { LIMITS } from '../work-order/content.ts'
import { KINDS_OF_CHANGE, kindOfChange } from '../work-order/kind-of-change.ts'
import type { AttemptKey } from './attempts/attempts.ts'
import type { Database } from './schema.ts'

type Outcome = Omit<Insertable<Database['outcome_vectors']>, 'agent_name' | 'error_context' | 'metadata'> & {
  work_order_id: string
  attempt: number
  operation_type: 'work_order_execution'
}

/** How an attempt ended: one row, and a repetition changes nothing. */
export async function recordOutcome(
  db: Kysely<Database>,
  outcome: Outcome,
  context: { error: unknown; metadata: Record<string, unknown> },
): Promise<void> {
  await db
    .insertInto('outcome_vectors')
    .values({
      ...outcome,
      agent_name: 'orchestrator',
      error_context: context.error === null ? null : JSON.stringify(context.error),
      metadata: JSON.stringify(context.metadata),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Adds a repair that was made later to how an attempt ended, where that was kept. */
export async function addRepairToOutcome(
  db: Kysely<Database>,
  { workOrderId, attempt }: AttemptKey,
  { cost_usd: cost, ...repair }: Pick<Repair, 'check' | 'by' | 'mended'> & { cost_usd: string },
): Promise<void> {
  await db
    .updateTable('outcome_vectors')
    .set({
      cost: sql<string>`coalesce(cost, 0) + ${cost}::numeric`,
      metadata: sql<string>`metadata || jsonb_build_object(
        'repairs', coalesce(metadata -> 'repairs', '[]'::jsonb) || ${JSON.stringify([repair])}::jsonb,
        'repair_cost_usd', coalesce((metadata ->> 'repair_cost_usd')::numeric, 0) + ${cost}::numeric)`,
    })
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('operation_type', '=', 'work_order_execution')
    .execute()
}

/** The longest time an outcome can hold: 24 days. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * How the pull request of an attempt ended; the one row says what was seen last, so that the order counts once. One that
 * was closed when another had completed its order is `superseded`, and one that its forge was to merge by itself, merged at a commit that was not
 * verified `merged_unverified`: of both nothing is learned. A repetition changes nothing.
 *
 * @returns whether it ended otherwise before, or had not
 */
export async function recordPullRequestOutcome(
  db: Kysely<Database>,
  { workOrderId, attempt }: AttemptKey,
  {
    outcome,
    metadata,
  }: { outcome: 'merged' | 'closed' | 'superseded' | 'merged_unverified'; metadata: Record<string, unknown> },
): Promise<boolean> {
  const ofAttempt = (column: RawBuilder<unknown>) =>
    sql<string>`(select ${column} from attempts where work_order_id = ${workOrderId} and number = ${attempt})`
  const sinceClaim = sql`round(1000 * extract(epoch from clock_timestamp() - claimed_at))`
  const end = {
    success: outcome === 'merged',
    outcome,
    cost: ofAttempt(sql`cost_usd`),
    execution_time_ms: sql<number>`least(${LONGEST_MS}, ${ofAttempt(sinceClaim)})::integer`,
    metadata: JSON.stringify(metadata),
  }
  const key = { work_order_id: workOrderId, attempt, operation_type: 'pull_request_end' }
  const written = await db
    .insertInto('outcome_vectors')
    .values({ ...key, ...end, agent_name: 'orchestrator', model_used: 'none', error_context: null })
    .onConflict((conflict) =>
      conflict
        .columns(['work_order_id', 'attempt', 'operation_type'])
        .where('attempt', 'is not', null)
        .doUpdateSet({ ...end, created_at: sql<Date>`now()` })
        .where(sql<boolean>`outcome_vectors.outcome is distinct from excluded.outcome`),
    )
    .returning('id')
    .executeTakeFirst()
  return written !== undefined
}

/** Takes back how a pull request ended: it was reopened, and an open one has no outcome. */
export async function withdrawPullRequestOutcome(
  db: Kysely<Database>,
  { workOrderId, attempt }: AttemptKey,
): Promise<void> {
  await db
    .deleteFrom('outcome_vectors')
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('operation_type', '=', 'pull_request_end')
    .execute()
}

/** Characters of JSON. */
const MOST_OF_SCOPE = 500_000

const OutcomeRow = z
  .object({
    proposer: z.string(),
    merged: z.boolean(),
    cost_usd: z.coerce.number().nonnegative().lt(1e15),
    duration_ms: z.number().nonnegative(),
    complexity: z.coerce.number().min(0).max(1),
    kind: z.enum(KINDS_OF_CHANGE).nullable().catch(null),
    files: z.array(z.string()).max(LIMITS.files).catch([]),
  })
  .transform(({ cost_usd: costUsd, duration_ms: durationMs, kind, files, ...row }) => ({
    ...row,
    costUsd,
    durationMs,
    kind: kind === null ? kindOfChange(files) : kind,
  }))

/**
 * How one past attempt ended that was given to a proposer: `proposer` is the one that was selected for it, `merged`
 * whether its pull request was and was not reverted since, `costUsd` and `durationMs` those of the whole attempt with every try it made, also by
 * others. `costUsd` is a number because it only feeds estimates.
 */
export type RoutingOutcome = z.infer<typeof OutcomeRow>

/**
 * For a `where` on outcomes, as `run` an attempt and as `ending` its pull request, if that has ended: the end says something about
 * the model. An open pull request does not yet.
 */
export const SAYS_SOMETHING = sql<boolean>`(
  coalesce(ending.outcome in ('merged', 'closed'), false)
  or run.outcome = 'failed' and run.error_context ->> 'code' in (${sql.join(codesOf('model_work'))})
)`

/** For a query on the same: its pull request was merged, and no revert of it was seen. */
export const IS_LASTING = sql<boolean>`(coalesce(ending.outcome = 'merged', false) and ending.reverted_at is null)`

/**
 * The latest attempts whose end says something about their model, newest first. An open pull request does not yet; a
 * replayed recording never does, nor does a row of a foreign program that cannot be read, nor one that does not count.
 *
 * @param latest how many at most
 */
export async function readRoutingOutcomes(db: Kysely<Database>, latest: number): Promise<RoutingOutcome[]> {
  const rows = await db
    .selectFrom('outcome_vectors as run')
    .leftJoin('outcome_vectors as ending', (join) =>
      join
        .onRef('ending.work_order_id', '=', 'run.work_order_id')
        .onRef('ending.attempt', '=', 'run.attempt')
        .on('ending.operation_type', '=', 'pull_request_end'),
    )
    .leftJoin('work_orders', 'work_orders.id', 'run.work_order_id')
    .select((eb) => [
      'run.model_used as proposer',
      IS_LASTING.as('merged'),
      eb.fn.coalesce('run.cost', sql<string>`0`).as('cost_usd'),
      eb.fn.coalesce('run.execution_time_ms', sql<number>`0`).as('duration_ms'),
      sql<string>`run.metadata ->> 'complexity_score'`.as('complexity'),
      sql<string | null>`run.metadata ->> 'change_kind'`.as('kind'),
      // Only where the kind of the change was not noted, and never more than an order may name.
      sql<unknown>`case when coalesce(run.metadata ->> 'change_kind' not in (${sql.join([...KINDS_OF_CHANGE])}), true)
          and char_length(files_in_scope::text) <= ${MOST_OF_SCOPE}
        then files_in_scope end`.as('files'),
    ])
    .where('run.operation_type', '=', 'work_order_execution')
    .where('run.attempt', 'is not', null)
    .where('run.model_used', '<>', 'none')
    .where(sql<boolean>`jsonb_typeof(run.metadata -> 'complexity_score') = 'number'`)
    .where(sql<boolean>`run.metadata ->> 'replayed' is distinct from 'true'`)
    .where('run.counts', '=', true)
    .where(SAYS_SOMETHING)
    .orderBy(sql`coalesce(ending.created_at, run.created_at)`, 'desc')
    .orderBy('run.id')
    .limit(latest)
    .execute()
  return rows.flatMap((row) => {
    const parsed = OutcomeRow.safeParse(row)
    return parsed.success ? [parsed.data] : []
  })
}

/** An attempt of an order as it stands now that failed for a reason of its model. */
export type FailedAttempt = { proposer: string; code: string }

/** The failures of an order since its content was last changed, oldest first. @param workOrderId of an order that is there */
export async function readFailedAttempts(db: Kysely<Database>, workOrderId: string): Promise<FailedAttempt[]> {
  const code = sql<string>`run.error_context ->> 'code'`
  const rows = await db
    .selectFrom('outcome_vectors as run')
    .innerJoin('attempts', (join) =>
      join.onRef('attempts.work_order_id', '=', 'run.work_order_id').onRef('attempts.number', '=', 'run.attempt'),
    )
    .innerJoin('work_orders', 'work_orders.id', 'attempts.work_order_id')
    .select(['run.model_used as proposer', code.as('code')])
    .where('run.work_order_id', '=', workOrderId)
    .where('run.operation_type', '=', 'work_order_execution')
    .where('run.outcome', '=', 'failed')
    .where('run.counts', '=', true)
    .where(code, 'in', codesOf('model_work'))
    .where(sql<boolean>`attempts.content = moose_order_content(work_orders)`)
    .orderBy('run.attempt')
    .execute()
  return rows.map(({ proposer, code: failure }) => ({ proposer: String(proposer), code: failure }))
}

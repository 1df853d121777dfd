import { type Insertable, type Kysely, type RawBuilder, sql } from 'kysely'
import type { AttemptKey } from '../attempts/attempts.ts'
import type { Database } from '../schema.ts'

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

/** The longest time an outcome can hold: 24 days. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * How the pull request of an attempt ended; the one row says what was seen last, so that the order counts once. One that
 * was closed when another had completed its order is `superseded`, of which nothing is learned. A repetition changes
 * nothing.
 */
export async function recordPullRequestOutcome(
  db: Kysely<Database>,
  { workOrderId, attempt }: AttemptKey,
  { outcome, metadata }: { outcome: 'merged' | 'closed' | 'superseded'; metadata: Record<string, unknown> },
): Promise<void> {
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
  await db
    .insertInto('outcome_vectors')
    .values({ ...key, ...end, agent_name: 'orchestrator', model_used: 'none', error_context: null })
    .onConflict((conflict) =>
      conflict
        .columns(['work_order_id', 'attempt', 'operation_type'])
        .where('attempt', 'is not', null)
        .doUpdateSet({ ...end, created_at: sql<Date>`now()` })
        .where(sql<boolean>`outcome_vectors.outcome is distinct from excluded.outcome`),
    )
    .execute()
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

/**
 * What happened to a pull request, from whatever forge; a repetition changes nothing. Each time it was closed counts:
 * between two of them it was reopened.
 */
export async function recordPullRequestEvent(
  db: Kysely<Database>,
  event: {
    workOrderId: string
    action: 'opened' | 'merged' | 'closed' | 'reopened'
    number: number
    branch: string
    metadata: Record<string, unknown>
  },
): Promise<void> {
  await db
    .insertInto('github_events')
    .values({
      event_type: 'pull_request',
      action: event.action,
      pr_number: event.number,
      branch_name: event.branch,
      work_order_id: event.workOrderId,
      metadata: JSON.stringify(event.metadata),
      occurrence: sql<number>`1 + (
        select count(*) from github_events
        where work_order_id = ${event.workOrderId} and pr_number = ${event.number} and action = 'reopened'
      )`,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export type NewGitHubEvent = {
  workOrderId: string
  /** GitHub's name of the event. */
  type: 'status' | 'pull_request_review' | 'push'
  number: number
  branch: string
  /** What it is now: the state of the checks, the decision of the reviews, the commit; null: none any more. */
  status: string | null
}

/** A change of a pull request that may come again; unlike its end, each is kept. */
export async function recordGitHubEvent(db: Kysely<Database>, event: NewGitHubEvent): Promise<void> {
  await db
    .insertInto('github_events')
    .values({
      event_type: event.type,
      action: null,
      pr_number: event.number,
      branch_name: event.branch,
      status: event.status,
      work_order_id: event.workOrderId,
    })
    .execute()
}

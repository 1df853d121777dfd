import type { Insertable, Kysely } from 'kysely'
import type { Database } from './schema.ts'

type Outcome = Omit<Insertable<Database['outcome_vectors']>, 'agent_name' | 'error_context' | 'metadata'> & {
  work_order_id: string
  attempt: number
  operation_type: 'work_order_execution' | 'pull_request_end'
}

/** One row per end; a repetition changes nothing. */
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

/** What happened to a pull request, from whatever forge; a repetition changes nothing. */
export async function recordPullRequestEvent(
  db: Kysely<Database>,
  event: {
    workOrderId: string
    action: 'opened' | 'merged' | 'closed'
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

import { type Kysely, sql } from 'kysely'
import type { Database } from './schema.ts'

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

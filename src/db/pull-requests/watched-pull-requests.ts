import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { PullRequestHint } from '../../contract/github-webhook.ts'
import type { Database } from '../schema.ts'

type Db = Kysely<Database>

/** A pull request on GitHub, where it lives and how Moose knows it. */
export type WatchedRow = {
  work_order_id: string
  attempt: number
  number: number
  node_id: string
  project_id: string
  state: 'open' | 'merged' | 'closed'
  /** Null while it is open. */
  ended_at: Date | null
  /** Its order is in review with it. */
  is_awaited: boolean
}

/** So many closed ones are read at most; of more, the latest. */
const MOST_CLOSED = 500

/**
 * Pull requests on GitHub whose end Moose has not recorded, oldest first: open ones, and those whose order still waits
 * for them. Where they are hinted at, closed ones too, however long ago that was.
 *
 * @param hints null: all
 */
export async function listWatchedPullRequests(db: Db, hints: readonly PullRequestHint[] | null): Promise<WatchedRow[]> {
  let select = selectWatched(db)
  if (hints === null) select = select.where(({ or, eb }) => or([eb('pull_requests.state', '=', 'open'), isAwaited()]))
  else {
    select = select
      .where(({ or, eb }) => or([eb('pull_requests.state', '<>', 'merged'), isAwaited()]))
      .where(({ or }) => or(hints.map(isHintedAt)))
  }
  return withNodes(await select.orderBy('pull_requests.created_at').execute())
}

/** Closed pull requests on GitHub that no order waits for, the latest first; at most 500. */
export async function listClosedPullRequests(db: Db, since: Date): Promise<WatchedRow[]> {
  const rows = await selectWatched(db)
    .where('pull_requests.state', '=', 'closed')
    .where('pull_requests.ended_at', '>', since)
    .where(({ not }) => not(isAwaited()))
    .orderBy('pull_requests.ended_at', 'desc')
    .limit(MOST_CLOSED)
    .execute()
  return withNodes(rows)
}

function selectWatched(db: Db) {
  return db
    .selectFrom('pull_requests')
    .innerJoin('work_orders', 'work_orders.id', 'pull_requests.work_order_id')
    .innerJoin('projects', 'projects.id', 'pull_requests.project_id')
    .select(['work_order_id', 'attempt', 'number', 'node_id', 'pull_requests.project_id', 'pull_requests.state'])
    .select(['pull_requests.ended_at', isAwaited().as('is_awaited')])
    .where('projects.forge', '=', 'github')
}

function isAwaited() {
  return sql<boolean>`coalesce(
    work_orders.phase = 'in_review' and pull_requests.number = coalesce(github_pr_number, pull_requests.number), false)`
}

function withNodes(rows: readonly (Omit<WatchedRow, 'node_id'> & { node_id: string | null })[]): WatchedRow[] {
  return rows.flatMap(({ node_id, ...row }) => (node_id === null ? [] : [{ ...row, node_id }]))
}

function isHintedAt({ repositoryUrl, numbers, branches }: PullRequestHint): RawBuilder<SqlBool> {
  // GitHub takes a repository in any spelling.
  return sql<SqlBool>`starts_with(lower(url), lower(${`${repositoryUrl}/pull/`}))
    and (number = any(${numbers}::bigint[]) or branch = any(${branches}::text[]))`
}

export type Seen = { seen_head_sha: string; checks: string | null; review: string | null }

/**
 * Keeps how a pull request was seen.
 *
 * @returns how it was seen before; null when there is no such pull request
 */
export async function noteSeen(
  db: Db,
  key: { workOrderId: string; attempt: number },
  seen: Seen & { seen_at: Date },
): Promise<(Omit<Seen, 'seen_head_sha'> & { seen_head_sha: string | null }) | null> {
  const before = await db
    .selectFrom('pull_requests')
    .select(['seen_head_sha', 'checks', 'review'])
    .where('work_order_id', '=', key.workOrderId)
    .where('attempt', '=', key.attempt)
    .forUpdate()
    .executeTakeFirst()
  if (before === undefined) return null
  await db
    .updateTable('pull_requests')
    .set(seen)
    .where('work_order_id', '=', key.workOrderId)
    .where('attempt', '=', key.attempt)
    .execute()
  return before
}

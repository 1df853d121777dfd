import { type Insertable, type Kysely, type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely'
import type { SeenConflict } from '../../contract/evidence/seen-conflict.ts'
import type { PullRequestHint } from '../../contract/github-webhook.ts'
import { Fault } from '../../faults/fault.ts'
import { assertNotTakenOver } from '../attempts/hold-attempt.ts'
import type { Database } from '../schema.ts'

type Db = Kysely<Database>
export type PullRequestRow = Selectable<Database['pull_requests']>
export type NewPullRequest = Omit<Insertable<Database['pull_requests']>, 'number'>

/** Null when no attempt of the project has opened one with this number. */
export async function findPullRequest(db: Db, projectId: string, number: number): Promise<PullRequestRow | null> {
  const row = await db
    .selectFrom('pull_requests')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('number', '=', number)
    .executeTakeFirst()
  return row === undefined ? null : row
}

/** The pull request of one attempt; null when it opened none. */
export async function findPullRequestOfAttempt(
  db: Db,
  { workOrderId, attempt }: { workOrderId: string; attempt: number },
): Promise<PullRequestRow | null> {
  const row = await db
    .selectFrom('pull_requests')
    .selectAll()
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .executeTakeFirst()
  return row === undefined ? null : row
}

/** The text of the pull request of an attempt, without the rest of its row, whose diff is long; null: there is none. */
export async function bodyOfPullRequest(
  db: Db,
  { workOrderId, attempt }: { workOrderId: string; attempt: number },
): Promise<string | null> {
  const row = await db
    .selectFrom('pull_requests')
    .select('body')
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .executeTakeFirst()
  return row === undefined ? null : row.body
}

export type PullRequestBrief = Pick<
  PullRequestRow,
  'project_id' | 'attempt' | 'number' | 'url' | 'branch' | 'state' | 'ended_at' | 'merge_sha'
>

/** The pull requests of an order by attempt, without their texts. */
export async function pullRequestsInBrief(db: Db, workOrderId: string): Promise<PullRequestBrief[]> {
  return db
    .selectFrom('pull_requests')
    .select(['project_id', 'attempt', 'number', 'url', 'branch', 'state', 'ended_at', 'merge_sha'])
    .where('work_order_id', '=', workOrderId)
    .orderBy('attempt')
    .execute()
}

/**
 * Opens the pull request of an attempt under the project's next number (from 1), or finds the one it has. Callers at
 * the same time wait for each other on the project's row.
 *
 * @throws {Fault} `attempt_taken_over` where it would open one for an attempt that this process does not carry out any more
 */
export async function openPullRequest(db: Db, opened: NewPullRequest): Promise<PullRequestRow> {
  return await db.transaction().execute(async (transaction) => {
    // Not `for update`: that would also hold up every insert that refers to the project.
    await transaction
      .selectFrom('projects')
      .select('id')
      .where('id', '=', opened.project_id)
      .forNoKeyUpdate()
      .executeTakeFirstOrThrow()
    const key = { workOrderId: opened.work_order_id, attempt: opened.attempt }
    const existing = await findPullRequestOfAttempt(transaction, key)
    if (existing !== null) return existing
    await assertNotTakenOver(transaction, key)
    const { last } = await transaction
      .selectFrom('pull_requests')
      .select((select) => select.fn.coalesce(select.fn.max('number'), select.lit(0)).as('last'))
      .where('project_id', '=', opened.project_id)
      .executeTakeFirstOrThrow()
    const number = last + 1
    return await transaction
      .insertInto('pull_requests')
      .values({ ...opened, number })
      .returningAll()
      .executeTakeFirstOrThrow()
  })
}

/**
 * Keeps the pull request of an attempt that a forge has numbered, or finds the one it has. One that is closed already is
 * kept as that, so that it is seen when it is reopened.
 *
 * @throws {Fault} `github_failed` when another attempt holds that number
 */
export async function keepPullRequest(
  db: Db,
  opened: NewPullRequest & { number: number; url: string; node_id: string },
): Promise<PullRequestRow> {
  const row = await db
    .insertInto('pull_requests')
    .values({ ...opened, seen_head_sha: opened.head_sha })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
  if (row !== undefined) return row
  const key = { workOrderId: opened.work_order_id, attempt: opened.attempt }
  const existing = await findPullRequestOfAttempt(db, key)
  if (existing !== null) return existing
  throw await numberTaken(db, opened)
}

async function numberTaken(db: Db, { project_id, number, work_order_id: id }: NewPullRequest & { number: number }) {
  const holder = await findPullRequest(db, project_id, number)
  if (holder === null) {
    return new Fault('internal', `The pull request #${number} of ${id} was neither kept nor found.`)
  }
  const held = `attempt ${holder.attempt} of work order ${holder.work_order_id} holds that number`
  const message = `GitHub calls the pull request of work order ${id} #${number}, but ${held}. Look at both on GitHub.`
  return new Fault('github_failed', message, { number, holder: holder.work_order_id, attempt: holder.attempt })
}

/**
 * Keeps where a pull request stands on its forge. One that is merged stays merged.
 *
 * @param end.at when it was seen to be merged or closed
 * @returns whether it stood elsewhere before
 */
export async function setPullRequestState(
  db: Db,
  { workOrderId, attempt }: { workOrderId: string; attempt: number },
  end: { state: PullRequestRow['state']; mergeSha: string | null; at: Date },
): Promise<boolean> {
  const changed = await db
    .updateTable('pull_requests')
    .set({ state: end.state, merge_sha: end.mergeSha, ended_at: end.state === 'open' ? null : end.at })
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('state', 'not in', ['merged', end.state])
    .returning('number')
    .executeTakeFirst()
  return changed !== undefined
}

/**
 * Ends a pull request of the forge `local`. One that is merged stays merged; one that is closed becomes merged when its commit reached the
 * base all the same.
 *
 * @returns the row as it then stands
 */
export async function endPullRequest(
  db: Db,
  row: PullRequestRow,
  end: { state: 'closed'; endedAt: Date } | { state: 'merged'; mergeSha: string; endedAt: Date },
): Promise<PullRequestRow> {
  const ended = await db
    .updateTable('pull_requests')
    .set({
      state: end.state,
      merge_sha: end.state === 'merged' ? end.mergeSha : null,
      ended_at: end.endedAt,
    })
    .where('project_id', '=', row.project_id)
    .where('number', '=', row.number)
    .where('state', 'in', end.state === 'merged' ? ['open', 'closed'] : ['open'])
    .returningAll()
    .executeTakeFirst()
  if (ended !== undefined) return ended
  const key = { workOrderId: row.work_order_id, attempt: row.attempt }
  const current = await findPullRequestOfAttempt(db, key)
  return current === null ? row : current
}

/**
 * Has an open pull request be the one of a commit that was verified.
 *
 * @param verified.base the branch that it was verified with, which is the one it is to be merged into
 * @returns the row as it then stands; one that is not open is left as it is
 */
export async function keepVerified(
  db: Db,
  row: PullRequestRow,
  verified: { attempt: number; base: string; baseSha: string; headSha: string; diff: string; body: string },
): Promise<PullRequestRow> {
  const { attempt, base, baseSha: base_sha, headSha: head_sha, diff, body } = verified
  const verified_by = attempt === row.attempt ? null : attempt
  const kept = await db
    .updateTable('pull_requests')
    .set({ base, base_sha, head_sha, diff, body, verified_by })
    .set({ conflict: null, follow_up: null, seen_head_sha: head_sha })
    .where('project_id', '=', row.project_id)
    .where('number', '=', row.number)
    .where('state', '=', 'open')
    .returningAll()
    .executeTakeFirst()
  if (kept !== undefined) return kept
  const now = await findPullRequest(db, row.project_id, row.number)
  return now === null ? row : now
}

/** Keeps with what the open pull request of an order was seen to conflict; the same conflict began when it was first seen. */
export async function noteConflict(
  db: Db,
  { workOrderId, number }: { workOrderId: string; number: number },
  conflict: SeenConflict,
): Promise<void> {
  const is = JSON.stringify(conflict)
  await db
    .updateTable('pull_requests')
    .set({
      seen_head_sha: conflict.head_sha,
      conflict: sql<string>`case when conflict ->> 'head_sha' = ${conflict.head_sha}
        then ${is}::jsonb || jsonb_build_object('since', conflict -> 'since') else ${is}::jsonb end`,
    })
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', number)
    .where('state', '=', 'open')
    .execute()
}

/** Keeps where a verification has found the branch of an open pull request: a conflict that was seen before is over. */
export async function noteMergeable(
  db: Db,
  { workOrderId, number }: { workOrderId: string; number: number },
  headSha: string | null,
): Promise<void> {
  await db
    .updateTable('pull_requests')
    .set({ conflict: null, ...(headSha === null ? {} : { seen_head_sha: headSha }) })
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', number)
    .where('state', '=', 'open')
    .execute()
}

/**
 * Keeps where a merge has found the branch of an open pull request.
 *
 * @returns its branch where that is news; null: it was known, or the pull request is not open
 */
export async function noteMoved(
  db: Db,
  { workOrderId, number, headSha }: { workOrderId: string; number: number; headSha: string },
): Promise<Pick<PullRequestRow, 'branch' | 'attempt'> | null> {
  const row = await db
    .updateTable('pull_requests')
    .set({ seen_head_sha: headSha })
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', number)
    .where('state', '=', 'open')
    .where('seen_head_sha', 'is distinct from', headSha)
    .returning(['branch', 'attempt'])
    .executeTakeFirst()
  return row === undefined ? null : row
}

/** A pull request on its forge, where it lives and how Moose knows it. */
export type WatchedRow = {
  work_order_id: string
  attempt: number
  number: number
  /** Null: on the forge `local`. */
  node_id: string | null
  /** Where its branch is known to stand. */
  seen_head_sha: string
  forge: string
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
 * Pull requests whose end Moose has not recorded, oldest first: open ones, and those whose order still waits
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
  return watchable(await select.orderBy('pull_requests.created_at').execute())
}

/** Closed pull requests on GitHub that no order waits for, the latest first; at most 500. */
export async function listClosedPullRequests(db: Db, since: Date): Promise<WatchedRow[]> {
  const rows = await selectWatched(db)
    .where('projects.forge', '=', 'github')
    .where('pull_requests.state', '=', 'closed')
    .where('pull_requests.ended_at', '>', since)
    .where(({ not }) => not(isAwaited()))
    .orderBy('pull_requests.ended_at', 'desc')
    .limit(MOST_CLOSED)
    .execute()
  return watchable(rows)
}

function selectWatched(db: Db) {
  return (
    db
      .selectFrom('pull_requests')
      .innerJoin('work_orders', 'work_orders.id', 'pull_requests.work_order_id')
      .innerJoin('projects', 'projects.id', 'pull_requests.project_id')
      .select(['work_order_id', 'attempt', 'number', 'node_id', 'pull_requests.project_id', 'pull_requests.state'])
      .select(['pull_requests.ended_at', 'projects.forge', isAwaited().as('is_awaited')])
      .select(STANDS_AT.as('seen_head_sha'))
      // One that was removed is not looked at any more.
      .where('projects.removed_at', 'is', null)
  )
}

/** Where a branch is known to stand. */
export const STANDS_AT = sql<string>`coalesce(pull_requests.seen_head_sha, pull_requests.head_sha)`

function isAwaited() {
  return sql<boolean>`coalesce(
    work_orders.phase = 'in_review' and pull_requests.number = coalesce(github_pr_number, pull_requests.number), false)`
}

/** Of a project that has moved to GitHub since, the forge does not know what was opened before. */
function watchable(rows: readonly WatchedRow[]): WatchedRow[] {
  return rows.filter(({ forge, node_id }) => (forge === 'github') === (node_id !== null))
}

function isHintedAt({ repositoryUrl, numbers, branches }: PullRequestHint): RawBuilder<SqlBool> {
  // GitHub takes a repository in any spelling.
  return sql<SqlBool>`starts_with(lower(url), lower(${`${repositoryUrl}/pull/`}))
    and (number = any(${numbers}::bigint[]) or branch = any(${branches}::text[]))`
}

import { type Kysely, sql } from 'kysely'
import type { AttemptKey } from '../attempts/attempts.ts'
import type { Database } from '../schema.ts'
import { IS_APPROVED, IS_AS_MADE } from '../work-orders/order-conditions.ts'
import { type PullRequestRow, STANDS_AT } from './pull-requests.ts'

type Db = Kysely<Database>

const COLUMNS = [
  'project_id',
  'work_order_id',
  'attempt',
  'number',
  'url',
  'branch',
  'base',
  'base_sha',
  'head_sha',
  'state',
  'merge_sha',
] as const

/** What a look goes by: the row of a pull request without its texts. */
export type LookedAt = Pick<PullRequestRow, (typeof COLUMNS)[number]>

/** The rows of pull requests, in their order; null where an attempt has none. */
export async function pullRequestsToLookAt(db: Db, keys: readonly AttemptKey[]): Promise<(LookedAt | null)[]> {
  const ids = keys.map(({ workOrderId }) => workOrderId)
  const attempts = keys.map(({ attempt }) => attempt)
  const rows = await db
    .selectFrom('pull_requests')
    .select(COLUMNS)
    .where(sql<boolean>`(work_order_id, attempt) in (select * from unnest(${ids}::uuid[], ${attempts}::int[]))`)
    .execute()
  const known = new Map(rows.map((row) => [`${row.work_order_id} ${row.attempt}`, row]))
  return keys.map(({ workOrderId, attempt }) => known.get(`${workOrderId} ${attempt}`) ?? null)
}

/** How an open pull request that an order is in review with stands, and what is kept of how it was followed. */
export type Followed = Pick<
  PullRequestRow,
  'base' | 'base_sha' | 'head_sha' | 'conflict' | 'hands_off' | 'adopted_sha' | 'given_up_at' | 'follow_up'
> & {
  /** Commits that attempts of the order have made. */
  made: readonly string[]
  isApproved: boolean
}

/** A look at pull requests. */
export type Look = {
  /** A later one has a higher number, whichever process looks. */
  number: string
  began: Date
}

/** Begins a look: what is kept of it counts as of now. */
export async function beginLook(db: Db, began: Date): Promise<Look> {
  const { rows } = await sql<{ number: string }>`select nextval('moose_looks')::text as number`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('a sequence gives a number')
  return { number: row.number, began }
}

/** What a look has seen of one pull request; `look` null: of no look. */
export type SeenAs = { mark: string; look: Look | null }

/** Whether nothing else was seen of a pull request since, and a later look has not judged it. */
export function isLastSeen({ mark, look }: SeenAs) {
  const number = look === null ? null : look.number
  return sql<boolean>`((seen_mark is null or seen_mark = ${mark})
    and (followed_look is null or ${number}::bigint is null or followed_look <= ${number}::bigint))`
}

/** Null: no order is in review with it any more, or something else was seen of it since. */
export async function followedPullRequest(
  db: Db,
  { workOrderId, attempt }: AttemptKey,
  as: SeenAs,
): Promise<Followed | null> {
  const row = await db
    .selectFrom('pull_requests')
    .innerJoin('work_orders', 'work_orders.id', 'pull_requests.work_order_id')
    .select(['base', 'base_sha', 'head_sha', 'conflict', 'hands_off', 'adopted_sha', 'given_up_at', 'follow_up'])
    .select(sql<boolean>`coalesce(${IS_APPROVED} and ${IS_AS_MADE}, false)`.as('isApproved'))
    .select(
      sql<string[]>`array(select attempts.head_sha from attempts
        where attempts.work_order_id = pull_requests.work_order_id and attempts.head_sha is not null)`.as('made'),
    )
    .where('pull_requests.work_order_id', '=', workOrderId)
    .where('pull_requests.attempt', '=', attempt)
    .where('pull_requests.state', '=', 'open')
    .where('work_orders.phase', '=', 'in_review')
    .where(isLastSeen(as))
    .executeTakeFirst()
  return row === undefined ? null : row
}

/** How a look has seen a pull request. */
export type Seen = {
  seen_head_sha: string
  checks: string | null
  review: string | null
  /** Reviews and check runs one by one, as JSON; null: they could not be read. */
  seen: string | null
}
type SeenBefore = Pick<Seen, 'seen_head_sha' | 'checks' | 'review'> & {
  /** Whether reviews and check runs, one by one, were others. */
  has_other_parts: boolean
}
type Kept = {
  look: Look
  /** As of `Sighting`. */
  mark: string
  /** The branch it is to be merged into. */
  base: string
  isDraft: boolean
  /** Where its base stood, which is kept with a conflict; null: nothing says so. */
  baseSha: string | null
}

/**
 * Keeps how a pull request was seen. What a look has seen of it that began before something newer was kept is left out, and so is
 * a commit on its branch that a running attempt of the order has made: that one is being published.
 *
 * @param kept.since where its branch was known to stand when the look began
 * @returns how it was seen before, and where its branch is known to stand now; null: nothing was kept
 */
export async function noteSeen(
  db: Db,
  { workOrderId, attempt }: AttemptKey,
  seen: Seen,
  { since, ...kept }: Kept & { since: string },
): Promise<{ before: SeenBefore; head: string } | null> {
  const row = await db
    .selectFrom('pull_requests')
    .select(['checks', 'review', STANDS_AT.as('seen_head_sha')])
    .select(sql<boolean>`seen is distinct from ${seen.seen}::jsonb`.as('has_other_parts'))
    .select(
      sql<boolean>`exists (select from attempts where attempts.work_order_id = pull_requests.work_order_id
        and attempts.status = 'running' and attempts.head_sha = ${seen.seen_head_sha})`.as('is_publishing'),
    )
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where(isNewer(kept.look))
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined || row.seen_head_sha !== since) return null
  const { is_publishing: isPublishing, ...before } = row
  const head = isPublishing ? before.seen_head_sha : seen.seen_head_sha
  await db
    .updateTable('pull_requests')
    .set({ ...seen, seen_head_sha: head, ...lookedAt(kept) })
    .$if(kept.baseSha !== null, (update) =>
      update.set({ conflict: sql<string>`conflict || jsonb_build_object('seen_base_sha', ${kept.baseSha}::text)` }),
    )
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .execute()
  return { before, head }
}

/** What is kept of each look, also of one that has seen the same. */
function lookedAt({ look: { number, began: at }, mark, base, isDraft }: Kept) {
  const unread_since = sql<Date | null>`case when followed_mark is not distinct from ${mark}::text then null
    else coalesce(unread_since, ${at}::timestamptz) end`
  return { seen_at: at, seen_look: number, seen_mark: mark, seen_base: base, seen_draft: isDraft, unread_since }
}

/** Whether nothing was kept of a look that began later. */
export function isNewer({ number }: Look) {
  return sql<boolean>`(seen_look is null or seen_look <= ${number}::bigint)`
}

/** Keeps that a pull request was seen once more as it was seen before. @returns false: it was seen otherwise, or a later look was kept */
export async function noteSeenAgain(
  db: Db,
  { workOrderId, attempt }: AttemptKey,
  { seen_head_sha: head, checks, review, seen }: Seen,
  kept: Kept,
): Promise<boolean> {
  const { baseSha } = kept
  const row = await db
    .updateTable('pull_requests')
    .set(lookedAt(kept))
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('seen_head_sha', '=', head)
    .where(isNewer(kept.look))
    .where(
      sql<boolean>`checks is not distinct from ${checks} and review is not distinct from ${review}
        and seen is not distinct from ${seen}::jsonb
        and (conflict is null or ${baseSha}::text is null or conflict ->> 'seen_base_sha' = ${baseSha}::text)`,
    )
    .returning('number')
    .executeTakeFirst()
  return row !== undefined
}

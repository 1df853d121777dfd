import { type Kysely, sql } from 'kysely'
import { MergeAsked } from '../../contract/evidence/merge-asked.ts'
import type { SeenApproval } from '../../contract/evidence/seen-approval.ts'
import type { AttemptKey } from '../attempts/attempts.ts'
import type { Database } from '../schema.ts'
import { isLastSeen, type SeenAs } from './seen-pull-requests.ts'

type Db = Kysely<Database>

/** What a look saw of an open pull request that the rules of merging go by. */
export type SeenToMerge = {
  headSha: string
  at: Date
  /** Whether its forge merges it by itself once it may; null: it has no such thing, or it has ended. */
  isAutoMerged: boolean | null
  /** Threads of people with write access that are not resolved. */
  openThreads: number
  /** Logins of people with write access whose latest review asks for changes. */
  changesRequested: readonly string[]
  /** Logins of people with write access who ask for what was not done. */
  unanswered: readonly string[]
  approval: SeenApproval
  /** Names of checks that ran on its base and not on its commit. */
  absentChecks: readonly string[]
}

/** Keeps that an open pull request was seen on its forge with this commit on its branch, unless something else was seen since. */
export async function noteFollowed(
  db: Db,
  key: AttemptKey,
  as: SeenAs,
  { headSha, at, ...seen }: SeenToMerge,
): Promise<void> {
  await db
    .updateTable('pull_requests')
    .set({
      followed_sha: headSha,
      followed_since: sql<Date>`case when followed_sha = ${headSha} then followed_since else ${at}::timestamptz end`,
      followed_at: at,
      followed_mark: as.mark,
      unread_since: null,
      seen_auto_merge: seen.isAutoMerged,
      seen_open_threads: seen.openThreads,
      seen_changes_requested: seen.changesRequested,
      seen_unanswered: seen.unanswered,
      seen_approval: JSON.stringify(seen.approval),
      seen_absent_checks: seen.absentChecks,
    })
    .$if(as.look !== null, (update) => (as.look === null ? update : update.set({ followed_look: as.look.number })))
    .where('work_order_id', '=', key.workOrderId)
    .where('attempt', '=', key.attempt)
    .where(isLastSeen(as))
    .execute()
}

/**
 * Keeps what becomes of having a pull request merged by rule.
 *
 * @param before as it was read; where another process has changed it since, nothing is kept
 * @returns whether it was kept
 */
export async function keepMergeAsked(
  db: Db,
  { workOrderId, attempt }: AttemptKey,
  { before, now }: { before: MergeAsked | null; now: MergeAsked | null },
): Promise<boolean> {
  const was = before === null ? null : JSON.stringify(before)
  const row = await db
    .updateTable('pull_requests')
    .set({ merge_asked: now === null ? null : JSON.stringify(now) })
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where(sql<boolean>`merge_asked is not distinct from ${was}::jsonb`)
    .returning('number')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * What a forge was asked to merge by itself, where it merged another commit, which no attempt of the order has made or verified.
 *
 * @returns the commit that it was asked to merge; null: it was not asked, or the commit is one of the order's own
 */
export async function askedInsteadOf(
  db: Db,
  { workOrderId, attempt }: AttemptKey,
  merged: string,
): Promise<string | null> {
  const row = await db
    .selectFrom('pull_requests')
    .select(sql<string | null>`merge_asked ->> 'head_sha'`.as('asked'))
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where(sql<boolean>`merge_asked ->> 'is' in ('asking', 'waiting') and merge_asked ->> 'head_sha' <> ${merged}`)
    .where(
      sql<boolean>`not exists (
        select from attempts where attempts.work_order_id = ${workOrderId} and attempts.head_sha = ${merged})`,
    )
    .executeTakeFirst()
  return row === undefined ? null : row.asked
}

/** What has come of having it merged by rule; null: that was not asked for. */
export async function mergeAskedOf(db: Db, { workOrderId, attempt }: AttemptKey): Promise<MergeAsked | null> {
  const row = await db
    .selectFrom('pull_requests')
    .select('merge_asked')
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .executeTakeFirst()
  return row === undefined ? null : mergeAskedIn(row.merge_asked)
}

export type AskedOfForge = { work_order_id: string; number: number; url: string | null }

/** Open pull requests that their forges may merge by themselves, the oldest first. */
export async function askedOfForges(db: Db): Promise<AskedOfForge[]> {
  return await db
    .selectFrom('pull_requests')
    .innerJoin('projects', 'projects.id', 'pull_requests.project_id')
    .select(['work_order_id', 'number', 'url'])
    .where('state', '=', 'open')
    .where('projects.removed_at', 'is', null)
    .where(sql<boolean>`merge_asked ->> 'is' in ('asking', 'waiting')`)
    .orderBy('pull_requests.created_at')
    .orderBy('work_order_id')
    .execute()
}

/** As `pull_requests.merge_asked` has it. */
export function mergeAskedIn(stored: unknown): MergeAsked | null {
  return stored === null ? null : MergeAsked.parse(stored)
}

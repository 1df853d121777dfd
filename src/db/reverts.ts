import { type Kysely, sql } from 'kysely'
import { isoTime } from '../clock.ts'
import { type MergedBy, mergedByIn } from '../contract/evidence/merged-by.ts'
import { type Revert, UnverifiedMerge } from '../contract/evidence/revert.ts'
import type { Database } from './schema.ts'
import { recordEvent } from './work-order-events.ts'

type Db = Kysely<Database>

/** Days after a merge for which a revert of it is looked for. */
const LOOKED_DAYS = 30

/** A merged change that no revert was seen of, and where its base stood when that was looked for last; null: it was not. */
export type LookedChange = {
  workOrderId: string
  attempt: number
  number: number
  title: string
  mergeSha: string
  headSha: string
  since: string | null
}

/** Projects with a change of which a revert was not looked for, since it was merged or at all, for so long. */
export async function projectsToLookAt(db: Db, everyMs: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct pull.project_id as id
    from outcome_vectors as ending
    join pull_requests as pull on pull.work_order_id = ending.work_order_id and pull.attempt = ending.attempt
    join projects on projects.id = pull.project_id and projects.removed_at is null
    where ${IS_WATCHED}
      and coalesce(ending.revert_looked_at, ending.created_at) < moose_now() - make_interval(secs => ${everyMs / 1_000})
  `.execute(db)
  return rows.map(({ id }) => id)
}

/** For a `where`, with the outcome as `ending` and its pull request as `pull`. */
const IS_WATCHED = sql<boolean>`(
  ending.operation_type = 'pull_request_end' and ending.outcome = 'merged' and ending.reverted_at is null
  and ending.created_at > moose_now() - make_interval(days => ${sql.lit(LOOKED_DAYS)})
  and pull.state = 'merged' and pull.merge_sha ~ '^([0-9a-f]{40}|[0-9a-f]{64})$'
)`

/** All that is looked at of one project. */
export async function changesToLookAt(db: Db, projectId: string): Promise<LookedChange[]> {
  const { rows } = await sql<LookedChange>`
    select ending.work_order_id as "workOrderId", ending.attempt, pull.number, pull.title, pull.merge_sha as "mergeSha",
      pull.head_sha as "headSha", ending.revert_looked_sha as since
    from outcome_vectors as ending
    join pull_requests as pull on pull.work_order_id = ending.work_order_id and pull.attempt = ending.attempt
    where ${IS_WATCHED} and pull.project_id = ${projectId}
    order by ending.created_at
  `.execute(db)
  return rows
}

/**
 * Keeps what a look has found, in one transaction: that these changes were looked at, and those that were reverted. A repetition
 * changes nothing.
 */
export async function recordReverts(
  db: Db,
  looked: readonly LookedChange[],
  { baseSha, base, reverts }: { baseSha: string; base: string; reverts: readonly Reverted[] },
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    for (const { workOrderId, attempt, number } of looked) {
      const found = reverts.find((one) => one.work_order_id === workOrderId && one.number === number)
      const at = found === undefined ? null : new Date(found.at)
      const row = await transaction
        .updateTable('outcome_vectors')
        .set({
          revert_looked_at: sql<Date>`moose_now()`,
          revert_looked_sha: baseSha,
          // When it was committed, as its author's clock has it, but not before the merge and not after this moment.
          ...(at === null
            ? {}
            : {
                reverted_at: sql<Date>`least(moose_now(), greatest(created_at, ${at}::timestamptz))`,
                reverted_by: found?.sha,
              }),
        })
        .where('work_order_id', '=', workOrderId)
        .where('attempt', '=', attempt)
        .where('operation_type', '=', 'pull_request_end')
        .where('outcome', '=', 'merged')
        .where('reverted_at', 'is', null)
        .returning('id')
        .executeTakeFirst()
      if (row === undefined || found === undefined) continue
      const message = `pull request #${number}: its change was reverted on ${base} by ${found.sha.slice(0, 12)}`
      await recordEvent(transaction, { workOrderId, attempt, type: 'pull_request', message })
    }
  })
}

/** What is known of a pull request that was merged: by what, what reverted it since, and at which commit if not the verified one. */
export type AfterMerge = {
  reverted: Revert | null
  merged_unverified: UnverifiedMerge | null
  merged_by: MergedBy | null
}

/** What became of the merged changes of some orders, by the order and its attempt. */
export async function afterMergesOf(
  db: Db,
  ids: readonly string[],
): Promise<(merged: { work_order_id: string; attempt: number }) => AfterMerge> {
  const rows = ids.length === 0 ? [] : await toldMerges(db, ids)
  const byAttempt = new Map(rows.map((row) => [`${row.work_order_id}:${row.attempt}`, row]))
  return (merged) => {
    const row = byAttempt.get(`${merged.work_order_id}:${merged.attempt}`)
    if (row === undefined) return { reverted: null, merged_unverified: null, merged_by: null }
    const told = row.outcome === 'merged_unverified' ? UnverifiedMerge.safeParse(row.metadata) : null
    const merged_unverified = told?.success === true ? told.data : null
    return { reverted: revertIn(row), merged_unverified, merged_by: mergedByIn(row.metadata) }
  }
}

function toldMerges(db: Db, ids: readonly string[]) {
  return db
    .selectFrom('outcome_vectors')
    .select(['work_order_id', 'attempt', 'outcome', 'metadata', 'reverted_by', 'reverted_at', 'revert_looked_at'])
    .where('work_order_id', 'in', ids)
    .where('operation_type', '=', 'pull_request_end')
    .where('outcome', 'in', ['merged', 'merged_unverified'])
    .execute()
}

function revertIn(row: { reverted_by: string | null; reverted_at: Date | null; revert_looked_at: Date | null }) {
  if (row.reverted_at === null) return null
  const at = isoTime(row.reverted_at)
  // It is not looked for any more once it was seen.
  return { by: row.reverted_by, at, seen_at: row.revert_looked_at === null ? at : isoTime(row.revert_looked_at) }
}

type Reverted = { work_order_id: string; number: number; sha: string; at: string }

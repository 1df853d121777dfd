import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'

type Db = Kysely<Database>
type Pull = { workOrderId: string; number: number }

/** Keeps that a human has had a commit of somebody else verified: it is never taken for Moose's own, whatever comes on top of it. */
export async function noteAdopted(db: Db, { workOrderId, number }: Pull, sha: string): Promise<void> {
  await db
    .updateTable('pull_requests')
    .set({ adopted_sha: sha })
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', number)
    .where('state', '=', 'open')
    .execute()
}

/**
 * For a query with `pull_requests`: the commit that was verified last holds what attempts have made alone, because no human has had
 * its branch verified up to then. Attempts begin at the base, and reactions at what was verified.
 */
export const HOLDS_OURS_ALONE = sql<boolean>`not exists (
  select from attempts where attempts.work_order_id = pull_requests.work_order_id and attempts.verifies is not null
    and attempts.follows is null and attempts.number > pull_requests.attempt
    and attempts.number <= coalesce(pull_requests.verified_by, pull_requests.attempt))`

/** Keeps that the branch of an open pull request was found where it is known to stand, without what somebody else had pushed there. */
export async function forgetAdopted(db: Db, { workOrderId, number }: Pull, headSha: string): Promise<void> {
  await db
    .updateTable('pull_requests')
    .set({ adopted_sha: sql<string>`null` })
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', number)
    .where('state', '=', 'open')
    .where('head_sha', '=', headSha)
    .where('adopted_sha', 'is not', null)
    .where(HOLDS_OURS_ALONE)
    .execute()
}

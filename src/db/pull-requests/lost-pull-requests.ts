import { type Kysely, sql } from 'kysely'
import { FollowUpView, LOST_STATES, type LostState } from '../../contract/evidence/follow-up.ts'
import type { AttemptKey } from '../attempts/attempts.ts'
import { holdOrder } from '../follow-ups.ts'
import type { Database } from '../schema.ts'
import { recordEvent } from '../work-order-events.ts'
import { isNewer, type Look } from './seen-pull-requests.ts'

type Db = Kysely<Database>

/** So many looks in a row, after which a human has to decide: what passes by itself has passed by then. */
export const LOST_AFTER_LOOKS = 3

/**
 * Keeps that a look did not find an open pull request, or found it merged into what does not hold its change; nothing where one that
 * began later was kept.
 */
export async function noteLost(
  db: Db,
  lost: { of: AttemptKey & { number: number }; is: LostState; why: string },
  look: Look,
): Promise<void> {
  const { workOrderId, attempt, number } = lost.of
  await db.transaction().execute(async (transaction) => {
    await holdOrder(transaction, workOrderId)
    const row = await transaction
      .updateTable('pull_requests')
      .set({ lost_looks: sql<number>`lost_looks + 1`, seen_look: look.number })
      .where('work_order_id', '=', workOrderId)
      .where('attempt', '=', attempt)
      .where('state', '=', 'open')
      .where(isNewer(look))
      .returning(['lost_looks', 'follow_up'])
      .executeTakeFirst()
    if (row === undefined) return
    const isLost = row.lost_looks >= LOST_AFTER_LOOKS
    const before = FollowUpView.safeParse(row.follow_up).data
    // What a human has to decide is not another thing for a look that may have failed.
    if (!isLost && before !== undefined && before.code !== null && before.code !== 'pull_request_lost') return
    const view = {
      state: lost.is,
      why: lost.why,
      code: isLost ? 'pull_request_lost' : null,
      at: look.began.toISOString(),
    }
    if (before?.state === view.state && before.why === view.why && before.code === view.code) return
    await transaction
      .updateTable('pull_requests')
      .set({ follow_up: JSON.stringify(view) })
      .where('work_order_id', '=', workOrderId)
      .where('attempt', '=', attempt)
      .execute()
    const then = isLost ? `; a human has to decide: moose decide ${workOrderId.slice(0, 8)}` : ''
    const message = `pull request #${number}: ${lost.why}${then}`
    await recordEvent(transaction, { workOrderId, attempt, type: 'pull_request', message })
  })
}

/** Keeps that a look has found pull requests; of those that were lost, how they stand is judged anew. Nothing where one that began later was kept. */
export async function noteFound(db: Db, keys: readonly AttemptKey[], look: Look): Promise<void> {
  if (keys.length === 0) return
  const ids = keys.map(({ workOrderId }) => workOrderId)
  const attempts = keys.map(({ attempt }) => attempt)
  await db
    .updateTable('pull_requests')
    .set({
      lost_looks: 0,
      follow_up: sql<string>`case when follow_up ->> 'state' = any(${LOST_STATES}) then null else follow_up end`,
    })
    .where(sql<boolean>`(work_order_id, attempt) in (select * from unnest(${ids}::uuid[], ${attempts}::int[]))`)
    .where('lost_looks', '>', 0)
    .where(isNewer(look))
    .execute()
}

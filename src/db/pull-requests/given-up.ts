import { type Kysely, sql } from 'kysely'
import { GIVEN_UP, GIVEN_UP_TEXT } from '../../contract/evidence/follow-up.ts'
import type { AttemptKey } from '../attempts/attempts.ts'
import type { Database } from '../schema.ts'
import { recordEvent } from '../work-order-events.ts'

type Db = Kysely<Database>

/**
 * Keeps that a person has given an order up in Moose, with each pull request of it that is not merged: on a forge, one can be
 * reopened by accounts that may not write.
 *
 * @param attempt whose pull request alone is given up; left out: those of all
 * @returns the attempts whose pull requests were not given up before
 */
export async function giveUpPullRequests(db: Db, workOrderId: string, attempt?: number): Promise<number[]> {
  const rows = await db
    .updateTable('pull_requests')
    .set({ given_up_at: sql<Date>`moose_now()` })
    .where('work_order_id', '=', workOrderId)
    .$if(attempt !== undefined, (update) => update.where('attempt', '=', Number(attempt)))
    .where('state', '<>', 'merged')
    .where('given_up_at', 'is', null)
    .returning('attempt')
    .execute()
  return rows.map((row) => row.attempt)
}

/** Of pull requests that were given up to be closed, and stay open because that failed: they are followed as before. */
export async function keepPullRequests(db: Db, workOrderId: string, attempts: readonly number[]): Promise<void> {
  if (attempts.length === 0) return
  await db
    .updateTable('pull_requests')
    .set({
      given_up_at: null,
      // A look meanwhile has judged it by that.
      follow_up: sql<string>`case when follow_up ->> 'state' = ${GIVEN_UP} then null else follow_up end`,
    })
    .where('work_order_id', '=', workOrderId)
    .where('attempt', 'in', attempts)
    .where('state', '=', 'open')
    .execute()
}

/** A person has its open pull request followed again. */
export async function takeUpPullRequest(db: Db, workOrderId: string): Promise<void> {
  await db
    .updateTable('pull_requests')
    .set({ given_up_at: null, follow_up: null })
    .where('work_order_id', '=', workOrderId)
    .where('state', '=', 'open')
    .where('given_up_at', 'is not', null)
    .execute()
}

/**
 * Of a pull request that was reopened: what it was last judged to be is not how it stands now, where a person has given it up. An
 * order that is in review with it is told how it is taken up again; a completed one takes no `moose adopt`.
 */
export async function noteReopened(db: Db, { workOrderId, attempt }: AttemptKey, at: Date): Promise<void> {
  const view = { state: GIVEN_UP, why: GIVEN_UP_TEXT, code: 'hands_off', at: at.toISOString() }
  const row = await db
    .updateTable('pull_requests')
    .set({ follow_up: JSON.stringify(view) })
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('given_up_at', 'is not', null)
    .returning((eb) => [
      'number',
      eb
        .exists(
          eb
            .selectFrom('work_orders')
            .select('work_orders.id')
            .whereRef('work_orders.id', '=', 'pull_requests.work_order_id')
            .where('work_orders.phase', '=', 'in_review'),
        )
        .as('is_in_review'),
    ])
    .executeTakeFirst()
  if (row === undefined || row.is_in_review !== true) return
  const message = `pull request #${row.number}: ${GIVEN_UP_TEXT}; nothing is done about it until: moose adopt ${workOrderId.slice(0, 8)}`
  await recordEvent(db, { workOrderId, attempt, type: 'pull_request', message })
}

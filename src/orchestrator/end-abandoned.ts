import type { Kysely } from 'kysely'
import { outcomeFacts, outcomeOf } from '../attempt/outcome.ts'
import type { AttemptKey, EndedAttempt } from '../db/attempts/attempts.ts'
import { endFollowUp } from '../db/follow-ups.ts'
import { recordOutcome } from '../db/outcome-vectors.ts'
import { projectOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import { cancelAbandoned, hasAbandoned } from '../db/work-orders/suspended-orders.ts'
import type { Log } from '../log.ts'
import type { Workspaces } from '../ports/workspace.ts'

/**
 * Ends the suspended attempts that will not be resumed, and removes what those of this home made (specification 7.3). What
 * lies in another home is that one's: here is no mirror of it to take anything from.
 */
export async function endAbandoned(parts: {
  db: Kysely<Database>
  workspaces: Pick<Workspaces, 'rollBack'>
  /** This home. */
  homeId: string
  log: Log
}): Promise<void> {
  const { db, workspaces, log } = parts
  for (const { workOrderId, attempt, projectId, homeId } of await recordAbandoned(db)) {
    if (projectId === null || homeId !== parts.homeId) continue
    try {
      await workspaces.rollBack(await projectOf(db, projectId), workOrderId, attempt)
    } catch (error) {
      log.error({ err: error, workOrderId, attempt }, 'what a suspended attempt left cannot be removed')
    }
  }
}

export type Abandoned = AttemptKey & {
  /** Null: nothing was made yet. */
  projectId: string | null
  /** The home where what it made lies. */
  homeId: string
}

/**
 * Suspended attempts that will not be resumed, because their order was cancelled or has a newer attempt, end as
 * cancelled, in one transaction with their outcomes. A repetition changes nothing.
 *
 * This covers every home: one that was down while its order was cancelled and retried would otherwise resume the attempt.
 *
 * @returns those that ended now
 */
export async function recordAbandoned(db: Kysely<Database>): Promise<Abandoned[]> {
  if (!(await hasAbandoned(db))) return []
  return db.transaction().execute(async (transaction) => {
    const ended = await cancelAbandoned(transaction)
    for (const row of ended) {
      const key = { workOrderId: row.work_order_id, attempt: row.number }
      if (row.verifies === null) await recordCancelled(transaction, row)
      if (row.follows !== null) await endFollowUp(transaction, row.follows, 'attempt_cancelled')
      const message = `cancelled: attempt ${row.number} was suspended and will not be resumed`
      await recordEvent(transaction, { ...key, type: 'attempt_ended', message, data: { outcome: 'cancelled' } })
    }
    return ended.map((row) => ({
      workOrderId: row.work_order_id,
      attempt: row.number,
      projectId: row.project_id,
      homeId: row.executor_id,
    }))
  })
}

async function recordCancelled(db: Kysely<Database>, row: EndedAttempt): Promise<void> {
  // Null: an earlier version suspended it.
  const facts = row.suspended_outcome === null ? outcomeFacts({}, null) : row.suspended_outcome
  const outcome = outcomeOf(row, facts)
  const end = { success: false, outcome: 'cancelled', failure_class: 'orchestration_error' }
  await recordOutcome(db, { ...outcome.row, ...end }, outcome.context)
}

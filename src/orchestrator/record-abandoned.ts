import type { Kysely } from 'kysely'
import { outcomeFacts, outcomeOf } from '../attempt/outcome.ts'
import type { AttemptKey } from '../db/attempts/attempts.ts'
import { recordOutcome } from '../db/outcome-vectors.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import { cancelAbandoned, hasAbandoned } from '../db/work-orders/suspended-orders.ts'

export type Abandoned = AttemptKey & {
  /** Null: nothing was made yet. */
  projectId: string | null
  /** The home where what it made lies. */
  homeId: string
}

/**
 * Suspended attempts that nobody will resume, because their order was cancelled or has a newer attempt, end as
 * cancelled, in one transaction with their outcomes. A repetition changes nothing.
 *
 * Those of every home: one that was away while its order was cancelled and retried would go on with it.
 *
 * @returns those that ended now
 */
export async function recordAbandoned(db: Kysely<Database>): Promise<Abandoned[]> {
  if (!(await hasAbandoned(db))) return []
  return db.transaction().execute(async (transaction) => {
    const ended = await cancelAbandoned(transaction)
    for (const row of ended) {
      const key = { workOrderId: row.work_order_id, attempt: row.number }
      // Null: an earlier version suspended it.
      const facts = row.suspended_outcome === null ? outcomeFacts({}) : row.suspended_outcome
      const outcome = outcomeOf(row, facts)
      const end = { success: false, outcome: 'cancelled', failure_class: 'orchestration_error' }
      await recordOutcome(transaction, { ...outcome.row, ...end }, outcome.context)
      const message = `cancelled: attempt ${row.number} was suspended and will not go on`
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

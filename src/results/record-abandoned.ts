import type { Kysely } from 'kysely'
import { stepOutputs } from '../db/attempt-steps.ts'
import type { AttemptKey } from '../db/attempts.ts'
import { recordEvent } from '../db/events.ts'
import { recordOutcome } from '../db/outcomes.ts'
import type { Database } from '../db/schema.ts'
import { cancelAbandoned } from '../db/suspended-orders.ts'
import type { PartialEvidence } from './end-of-attempt.ts'
import { outcomeOf } from './outcome.ts'

const PART_OF = { route: 'routed', propose: 'proposed', apply: 'applied', verify: 'verified' } as const

export type Abandoned = AttemptKey & {
  /** Null: nothing was made yet. */
  projectId: string | null
  /** The home where what it made lies. */
  executorId: string
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
  return db.transaction().execute(async (transaction) => {
    const ended = await cancelAbandoned(transaction)
    for (const row of ended) {
      const key = { workOrderId: row.work_order_id, attempt: row.number }
      const outcome = outcomeOf(row, await evidenceOf(transaction, key))
      const end = { success: false, outcome: 'cancelled', failure_class: 'orchestration_error' }
      await recordOutcome(transaction, { ...outcome.row, ...end }, outcome.context)
      const message = `cancelled: attempt ${row.number} was suspended and will not go on`
      await recordEvent(transaction, { ...key, type: 'attempt_ended', message, data: { outcome: 'cancelled' } })
    }
    return ended.map((row) => ({
      workOrderId: row.work_order_id,
      attempt: row.number,
      projectId: row.project_id,
      executorId: row.executor_id,
    }))
  })
}

async function evidenceOf(db: Kysely<Database>, key: AttemptKey): Promise<PartialEvidence> {
  const outputs = await stepOutputs(db, key)
  const parts = Object.entries(PART_OF).flatMap(([step, part]) =>
    outputs.has(step) ? [[part, outputs.get(step)]] : [],
  )
  return Object.fromEntries(parts)
}

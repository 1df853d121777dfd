import type { Kysely } from 'kysely'
import { type AttemptKey, stepOutputs } from '../db/attempts.ts'
import { recordEvent } from '../db/events.ts'
import { recordOutcome } from '../db/outcomes.ts'
import type { Database } from '../db/schema.ts'
import { cancelAbandoned } from '../db/suspended-orders.ts'
import type { PartialEvidence } from './end-of-attempt.ts'
import { outcomeOf } from './outcome.ts'

const PART_OF = { route: 'routed', propose: 'proposed', apply: 'applied', verify: 'verified' } as const

/**
 * Suspended attempts that nobody will resume, because their order was cancelled or has a newer attempt, end as
 * cancelled, in one transaction with their outcomes. A repetition changes nothing.
 *
 * @returns those that ended now; `projectId` null: nothing was made yet
 */
export async function recordAbandoned(db: Kysely<Database>): Promise<(AttemptKey & { projectId: string | null })[]> {
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
    return ended.map((row) => ({ workOrderId: row.work_order_id, attempt: row.number, projectId: row.project_id }))
  })
}

async function evidenceOf(db: Kysely<Database>, key: AttemptKey): Promise<PartialEvidence> {
  const outputs = await stepOutputs(db, key)
  const parts = Object.entries(PART_OF).flatMap(([step, part]) =>
    outputs.has(step) ? [[part, outputs.get(step)]] : [],
  )
  return Object.fromEntries(parts)
}

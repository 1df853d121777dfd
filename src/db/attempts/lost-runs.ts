import type { Kysely } from 'kysely'
import type { Database } from '../schema.ts'
import type { AttemptRun } from './attempts.ts'
import { isHeld } from './hold-attempt.ts'

/** Those of these runs that this process no longer carries out, because another one does. */
export async function lostRuns(db: Kysely<Database>, runs: readonly AttemptRun[]): Promise<AttemptRun[]> {
  if (runs.length === 0) return []
  const held = await db
    .selectFrom('attempts')
    .select(['work_order_id', 'number'])
    .where((builder) => builder.or(runs.map((run) => isHeld(run)(builder))))
    .execute()
  const kept = new Set(held.map(({ work_order_id, number }) => `${work_order_id} ${number}`))
  return runs.filter(({ workOrderId, attempt }) => !kept.has(`${workOrderId} ${attempt}`))
}

import type { Kysely } from 'kysely'
import type { Database } from '../schema.ts'
import type { AttemptRun } from './attempts.ts'
import { isHeld } from './hold-attempt.ts'

/**
 * For `with held as …`: the row of an attempt while nobody else carries this run of it out, locked until the statement
 * has ended, so that what the statement does from `held` happens before any takeover or not at all. Columns:
 * `work_order_id`, `number`.
 */
export function fence(db: Kysely<Database>, run: AttemptRun) {
  return db.selectFrom('attempts').select(['work_order_id', 'number']).where(isHeld(run)).forShare()
}

import { type Kysely, sql } from 'kysely'
import { codesOf } from '../../faults/families.ts'
import type { Database } from '../schema.ts'
import { failedVerification } from './attempt-steps.ts'
import type { AttemptKey } from './attempts.ts'

/** The two commits that git could not merge. */
export type ConflictOf = { head_sha: string; base_sha: string }

/** As the column `resolving` has it. */
export function resolvingOf({ head_sha, base_sha }: ConflictOf): string {
  return `${head_sha} ${base_sha}`
}

/**
 * The last attempt of the order in which a model answered how to resolve this conflict; null: there is none. One whose
 * answers are taken again, unpaid, is none.
 *
 * @param of.attempt the one that asks, which does not count; null: all do
 */
export async function resolvedIn(
  db: Kysely<Database>,
  { workOrderId, attempt }: Pick<AttemptKey, 'workOrderId'> & { attempt: number | null },
  conflict: ConflictOf,
): Promise<number | null> {
  const row = await db
    .selectFrom('attempts')
    .select('number')
    .where('work_order_id', '=', workOrderId)
    .$if(attempt !== null, (query) => query.where('number', '<>', attempt))
    .where('resolving', '=', resolvingOf(conflict))
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('model_calls')
          .select('reservation_id')
          .whereRef('model_calls.work_order_id', '=', 'attempts.work_order_id')
          .whereRef('model_calls.attempt', '=', 'attempts.number')
          .where('finish_reason', 'is not', null)
          .where(({ or, eb }) =>
            or([
              eb('answer', 'is', null),
              eb(sql<string>`coalesce(attempts.error ->> 'code', '')`, 'not in', codesOf('keeps_answers')),
              eb(failedVerification(), 'is not', null),
            ]),
          ),
      ),
    )
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : row.number
}

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

/** The codes that no answer of a model is to blame for, errors of Moose itself among them. */
const BLAMELESS: readonly string[] = [...codesOf('keeps_answers'), 'internal']

/**
 * Whether answers count as asked for once and for all: what ended their attempt may be their fault.
 *
 * @param code of what ended it, and not that of the conflict which was left by it
 */
export function countsAsAnswered({ code, answers }: { code: string; answers: number }): boolean {
  return answers > 0 && !BLAMELESS.includes(code)
}

/**
 * For a statement on `attempts`: whether a model has answered in it, and none is to be asked again. One may be where its answers are
 * taken again, unpaid: nothing was their fault (`countsAsAnswered`). Of a conflict that was left counts what asking came to.
 */
export function wasAnswered() {
  return sql<boolean>`exists (
    select from model_calls
    where model_calls.work_order_id = attempts.work_order_id and model_calls.attempt = attempts.number
      and finish_reason is not null and (answer is null or ${failedVerification()} is not null
        or coalesce(attempts.error -> 'details' ->> 'repair', attempts.error ->> 'code', '') not in (${sql.join([...BLAMELESS])}))
  )`
}

/**
 * The last other attempt of the order in which a model answered how to resolve this conflict; null: there is none that
 * counts (`wasAnswered`).
 */
export async function resolvedIn(
  db: Kysely<Database>,
  { workOrderId, attempt }: AttemptKey,
  conflict: ConflictOf,
): Promise<number | null> {
  const row = await db
    .selectFrom('attempts')
    .select('number')
    .where('work_order_id', '=', workOrderId)
    .where('number', '<>', attempt)
    .where('resolving', '=', resolvingOf(conflict))
    .where(wasAnswered())
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : row.number
}

/**
 * USD of the answers to the conflict that an attempt was about: with those of earlier attempts, whose answers it took again, unpaid.
 */
export async function costOfResolving(
  db: Kysely<Database>,
  workOrderId: string,
  { resolving, number }: { resolving: string; number: number },
): Promise<string> {
  const { cost } = await db
    .selectFrom('attempts')
    .select(sql<string>`coalesce(sum(moose_usd(cost_usd)), 0)`.as('cost'))
    .where('work_order_id', '=', workOrderId)
    .where('resolving', '=', resolving)
    .where('number', '<=', number)
    .executeTakeFirstOrThrow()
  return cost
}

import type { Kysely } from 'kysely'
import { z } from 'zod'
import { KEPT_DAYS } from '../config/environment.ts'
import { type KeptDays } from '../config.ts'
import { Fault } from '../faults/fault.ts'
import { describeIssues } from '../faults/schema-problems.ts'
import type { Database } from './schema.ts'

/** A row that is absent leaves the environment's value in force. */
export const KeptDaysRows = z.object({
  keep_runs_days: KEPT_DAYS.optional(),
  keep_answers_days: KEPT_DAYS.optional(),
  keep_output_days: KEPT_DAYS.optional(),
  keep_mirrors_days: KEPT_DAYS.optional(),
})

/**
 * For how long things are kept, as `system_config` says now.
 *
 * @throws {Fault} `config_invalid` naming the malformed rows
 */
export async function readKeptDays(db: Kysely<Database>, defaults: KeptDays): Promise<KeptDays> {
  const keys = Object.keys(KeptDaysRows.shape)
  const rows = await db.selectFrom('system_config').select(['key', 'value']).where('key', 'in', keys).execute()
  const parsed = KeptDaysRows.safeParse(Object.fromEntries(rows.map(({ key, value }) => [key, value])))
  if (!parsed.success) {
    const problems = describeIssues(parsed.error)
    const next = 'Correct or delete it; until then nothing old is removed.'
    throw new Fault('config_invalid', `Bad row in system_config: ${problems}. ${next}`, { problems })
  }
  const { keep_runs_days, keep_answers_days, keep_output_days, keep_mirrors_days } = parsed.data
  return {
    runs: keep_runs_days ?? defaults.runs,
    answers: keep_answers_days ?? defaults.answers,
    output: keep_output_days ?? defaults.output,
    mirrors: keep_mirrors_days ?? defaults.mirrors,
  }
}

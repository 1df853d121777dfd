import type { Kysely } from 'kysely'
import { z } from 'zod'
import { MAX_CONCURRENT, MAX_WITHIN, POLLING_INTERVAL_MS } from '../config/environment.ts'
import { type Config } from '../config.ts'
import { Fault } from '../faults/fault.ts'
import { describeIssues } from '../faults/schema-problems.ts'
import type { Database } from './schema.ts'

/** The rows of the specification's 6.2. A row that is absent leaves the environment's value in force. */
export const SettingRows = z.object({
  orchestrator_enabled: z.enum(['true', 'false'], 'is neither true nor false').optional(),
  orchestrator_polling_interval_ms: POLLING_INTERVAL_MS.optional(),
  orchestrator_max_concurrent: MAX_CONCURRENT.optional(),
  orchestrator_max_per_repository: MAX_WITHIN.optional(),
  orchestrator_max_calls_per_provider: MAX_WITHIN.optional(),
})

/** What may change while the service runs. */
export type Settings = {
  /** False: nothing new is claimed. */
  enabled: boolean
  pollingIntervalMs: number
  /** Attempts at once, over the whole fleet. */
  maxConcurrent: number
  /** Of these, in one repository; null: any number. */
  maxPerRepository: number | null
}

/**
 * Reads the settings as they are now.
 *
 * @throws {Fault} `config_invalid` naming the malformed rows
 */
export async function readSettings(
  db: Kysely<Database>,
  defaults: Pick<Config, 'pollingIntervalMs' | 'maxConcurrent' | 'maxPerRepository'>,
): Promise<Settings> {
  const set = await readRows(db)
  return {
    enabled: set.orchestrator_enabled !== 'false',
    pollingIntervalMs: set.orchestrator_polling_interval_ms ?? defaults.pollingIntervalMs,
    maxConcurrent: set.orchestrator_max_concurrent ?? defaults.maxConcurrent,
    maxPerRepository: set.orchestrator_max_per_repository ?? defaults.maxPerRepository,
  }
}

/** How many calls to one provider may be under way as of now; null: any number. @throws {Fault} as `readSettings` */
export async function readMaxCallsPerProvider(
  db: Kysely<Database>,
  defaults: Pick<Config, 'maxCallsPerProvider'>,
): Promise<number | null> {
  return (await readRows(db)).orchestrator_max_calls_per_provider ?? defaults.maxCallsPerProvider
}

async function readRows(db: Kysely<Database>): Promise<z.infer<typeof SettingRows>> {
  const keys = Object.keys(SettingRows.shape)
  const rows = await db.selectFrom('system_config').select(['key', 'value']).where('key', 'in', keys).execute()
  const parsed = SettingRows.safeParse(Object.fromEntries(rows.map(({ key, value }) => [key, value])))
  if (parsed.success) return parsed.data
  const problems = describeIssues(parsed.error)
  const [bad] = parsed.error.issues.map((issue) => issue.path.join('.'))
  const mend = `Correct or delete it, e.g. delete from system_config where key = '${bad}';`
  throw new Fault('config_invalid', `Bad row in system_config: ${problems}. ${mend}`, { problems })
}

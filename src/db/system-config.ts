import type { Kysely } from 'kysely'
import { z } from 'zod'
import { type Config, MAX_CONCURRENT, POLLING_INTERVAL_MS } from '../config.ts'
import { Fault } from '../errors.ts'
import type { Database } from './schema.ts'

/** The rows of the seed's 6.2. A row that is absent leaves the environment's value in force. */
const Rows = z.object({
  orchestrator_enabled: z.enum(['true', 'false'], 'is neither true nor false').optional(),
  orchestrator_polling_interval_ms: POLLING_INTERVAL_MS.optional(),
  orchestrator_max_concurrent: MAX_CONCURRENT.optional(),
})

/** What may change while the service runs. */
export type Settings = {
  /** False: nothing new is claimed. */
  enabled: boolean
  pollingIntervalMs: number
  maxConcurrent: number
}

/**
 * Reads the settings as they are now.
 *
 * @throws {Fault} `config_invalid` naming the malformed rows
 */
export async function readSettings(
  db: Kysely<Database>,
  defaults: Pick<Config, 'pollingIntervalMs' | 'maxConcurrent'>,
): Promise<Settings> {
  const keys = Object.keys(Rows.shape)
  const rows = await db.selectFrom('system_config').select(['key', 'value']).where('key', 'in', keys).execute()
  const parsed = Rows.safeParse(Object.fromEntries(rows.map(({ key, value }) => [key, value])))
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')
    throw new Fault('config_invalid', `Bad row in system_config: ${problems}. Correct or delete it.`, { problems })
  }
  const { orchestrator_enabled, orchestrator_polling_interval_ms, orchestrator_max_concurrent } = parsed.data
  return {
    enabled: orchestrator_enabled !== 'false',
    pollingIntervalMs: orchestrator_polling_interval_ms ?? defaults.pollingIntervalMs,
    maxConcurrent: orchestrator_max_concurrent ?? defaults.maxConcurrent,
  }
}

import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Secrets } from '../config.ts'
import type { Database } from '../db/schema.ts'
import type { Log } from '../log.ts'

/** What calls to models are made with. */
export type ModelsOptions = {
  db: Kysely<Database>
  secrets: Secrets
  /** Folder of recordings; null: the provider `replay` is not available. */
  replayDir: string | null
  /** How long one `call` may take, its retries and the waits between them included. */
  modelTimeoutMs: number
  /** How many calls to one provider may be under way, over all processes, unless a row of `system_config` says otherwise; null: any number. */
  maxCallsPerProvider: number | null
  clock: Clock
  log: Log
}

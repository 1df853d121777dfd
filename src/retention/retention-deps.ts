import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/schema.ts'
import type { Mirrors } from '../git/mirrors.ts'
import type { Log } from '../log.ts'

/** What looking for leftovers and removing them needs. */
export type RetentionDeps = {
  db: Kysely<Database>
  /** Of the same database; the engine's own tables are deleted through the engine. */
  pool: Pool
  config: Pick<Config, 'home' | 'kept' | 'sandbox' | 'engineArguments' | 'engineEnvironment'>
  mirrors: Mirrors
  /** What identifies this home in `attempts`. */
  homeId: string
  clock: Clock
  log: Log
}

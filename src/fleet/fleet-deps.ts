import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import type { Adapters } from '../attempt/context.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/schema.ts'
import type { Log } from '../log.ts'

/** What carries attempts out on this machine; chosen in app.ts. */
export type FleetDeps = {
  db: Kysely<Database>
  pool: Pool
  adapters: Adapters
  config: Config
  clock: Clock
  log: Log
  /** What this home's process is to the engine and to the fleet. */
  homeId: string
  /** With what is needed to connect; shown in the status without its password. */
  databaseUrl: string
  version: string
  /** Called once before the engine starts; makes sure no other process runs this home's attempts. */
  own: () => Promise<void>
}

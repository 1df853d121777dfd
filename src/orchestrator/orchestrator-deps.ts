import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/schema.ts'
import type { Fault } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Adapters } from '../pipeline/attempt-context.ts'
import type { PullRequestWatch } from '../pipeline/ports/pull-request.ts'
import type { ConditionSources } from './resume-conditions.ts'

/** What the orchestrator is made of; chosen in app.ts. */
export type OrchestratorDeps = {
  db: Kysely<Database>
  pool: Pool
  adapters: Adapters
  /** Pull requests that others merge and close. */
  watch: PullRequestWatch
  /** Ends every call to a model, also those of no attempt. */
  stopCalls: (fault: Fault) => void
  /** What suspended orders wait for of a proposer. */
  proposers: ConditionSources['proposers']
  config: Config
  clock: Clock
  log: Log
  /** What this home's process is to the engine and to the fleet. */
  executorId: string
  /** With what is needed to connect; shown in the status without its password. */
  databaseUrl: string
  version: string
  /** Called once before the engine starts; makes sure no other process runs this home's attempts. */
  own: () => Promise<void>
}

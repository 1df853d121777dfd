import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import type { Adapters } from '../attempt/context.ts'
import type { Audit } from '../audit/audit.ts'
import type { FirstCallOf } from '../client-manager/retry-room.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Actor } from '../contract/actor.ts'
import type { DoctorEvent } from '../contract/doctor.ts'
import type { EventFeed } from '../db/event-feed.ts'
import type { Database } from '../db/schema.ts'
import type { Git } from '../git/git.ts'
import type { Log } from '../log.ts'
import type { OwnManager } from '../manager/manager.ts'
import type { Models } from '../models/models.ts'
import type { SenderDeps } from '../notifications/sender.ts'
import type { RowDefaults } from '../orchestrator/malformed-rows.ts'
import type { Orchestrator, OrchestratorDeps } from '../orchestrator/orchestrator.ts'
import type { OrchestratorService } from '../orchestrator/orchestrator-service.ts'
import type { Proposer } from '../ports/proposal.ts'
import type { SecretSettings } from '../redaction/redaction.ts'
import type { Toolchains } from '../sandbox/toolchains.ts'

/** What the routes work with: the database and the parts of this process, chosen in app.ts. */
export type HttpDeps = {
  db: Kysely<Database>
  /** For readiness alone, which gives a question up after its time. */
  pool: Pick<Pool, 'query'>
  feed: EventFeed
  orchestrator: Orchestrator & Pick<OrchestratorService, 'hintAtPullRequest'>
  /** Ours, for `/api/manager` and what is asked of a route, also where attempts ask a foreign one. */
  manager: OwnManager
  /** Ours, for `POST /api/proposer-enhanced`. */
  proposer: Proposer
  models: Models
  /** What a retry would reserve first. */
  firstCallOf: FirstCallOf
  /** What is known of proposers where orders wait for them. */
  proposers: OrchestratorDeps['proposers']
  adapters: Pick<Adapters, 'workspaces' | 'executors' | 'forges' | 'bases' | 'buildProposerRequest'>
  git: Git
  /** What set-up and checks are handed. */
  toolchains: () => Promise<Toolchains>
  /** Whether this process may run the attempts of its home. */
  isHomeOwned: () => boolean
  /** Before something is run in the home: no other process may use or remove its workspaces. @throws {Fault} `home_owned` */
  ownHome: () => Promise<void>
  config: Pick<Config, 'api' | 'pageUrl' | 'contextMaxBytes' | 'extraContextTokens' | 'github' | 'gitConfigFiles'> &
    SecretSettings &
    RowDefaults
  /** Who runs this process: who acts where the API asks for no token. */
  osUser: Actor
  /** The token of this home, which sessions of browsers are sealed with; null: there is none. */
  homeToken: () => Promise<string | null>
  /** With the heads that this home has seen. */
  audit: Audit
  /** What `moose doctor` finds for this process; while it looks, who asks joins in. */
  examine: (signal: AbortSignal) => AsyncIterable<DoctorEvent>
  /** What notifications are sent with. */
  sending: SenderDeps
  clock: Clock
  log: Log
}

import type { Kysely } from 'kysely'
import type { Adapters } from '../attempt/context.ts'
import { createCheckRunner } from '../checks/check-runner.ts'
import { parseChecks } from '../checks/moose-yaml.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/schema.ts'
import { createApiCalls, createGh, createMutationPace, type Gh } from '../forge/github/gh.ts'
import { createGitHubForge } from '../forge/github/github-forge.ts'
import { createTokens } from '../forge/github/tokens.ts'
import { createLocalForge } from '../forge/local/local-forge.ts'
import { Mirrors } from '../git/mirrors.ts'
import type { Log } from '../log.ts'
import { createForeignManager } from '../manager/foreign-manager.ts'
import { createManager, type OwnManager } from '../manager/manager.ts'
import { buildRoutingRequest } from '../manager/routing-request.ts'
import { createGateway } from '../models/gateway.ts'
import { createModels, type Models } from '../models/models.ts'
import type { Proposer } from '../ports/proposal.ts'
import type { PullRequestWatch } from '../ports/pull-request.ts'
import { createForeignProposer } from '../proposer/foreign-proposer.ts'
import { meteredProposer } from '../proposer/metered-proposer.ts'
import { createProposer } from '../proposer/proposer.ts'
import { buildProposerRequest } from '../proposer/proposer-request.ts'
import { knownSecrets } from '../redaction/redaction.ts'
import { createSecretSearch } from '../workspace/secret-search.ts'
import { createWorkspaces } from '../workspace/workspaces.ts'
import { createExecutors } from './executors.ts'

/** The concrete parts, and those of our own that are served to others even where an attempt uses foreign ones. */
export type Parts = {
  adapters: Adapters
  models: Models
  mirrors: Mirrors
  gateway: AsyncDisposable
  ownManager: OwnManager
  ownProposer: Proposer
  gh: Gh
  watch: PullRequestWatch
}

export function createParts(deps: { db: Kysely<Database>; config: Config; clock: Clock; log: Log }): Parts {
  const { db, config, clock, log } = deps
  const apiCalls = createApiCalls(clock)
  const tokenFor = createTokens(config, clock.now)
  const gh = createGh(config, { tokenFor, apiCalls, pace: createMutationPace(clock) })
  const mirrors = new Mirrors(config.home, { network: config.networkEnvironment, tokenFor })
  const github = createGitHubForge({ db, mirrors, log, clock, random: Math.random, gh }, apiCalls)
  const models = createModels({ ...config, db, clock, log })
  const ownManager = createManager({ db, models, clock })
  const ownProposer = createProposer({
    db,
    models,
    clock,
    contextMaxBytes: config.contextMaxBytes,
  })
  const gateway = createGateway({ db, models })
  return {
    models,
    gateway,
    mirrors,
    ownManager,
    ownProposer,
    gh,
    watch: github,
    adapters: {
      manager: config.managerUrl === null ? ownManager : createForeignManager({ url: config.managerUrl }),
      proposer:
        config.proposerUrl === null
          ? ownProposer
          : meteredProposer(createForeignProposer({ url: config.proposerUrl, timeoutMs: config.modelTimeoutMs }), {
              ...deps,
              maxCostUsd: config.proposerMaxCostUsd,
            }),
      executors: createExecutors(config, gateway),
      checkRunner: createCheckRunner(config),
      workspaces: createWorkspaces({ root: config.home, mirrors }),
      secretSearch: createSecretSearch(mirrors, knownSecrets(config)),
      forges: { local: createLocalForge({ db, mirrors, log, clock }), github },
      buildRoutingRequest,
      buildProposerRequest,
      parseChecks,
    },
  }
}

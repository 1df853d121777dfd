import path from 'node:path'
import type { Kysely } from 'kysely'
import type { Executors } from '../attempt/choose-executor.ts'
import type { Adapters } from '../attempt/context.ts'
import { createBaseChecks } from '../checks/base-checks.ts'
import { createCheckRunner } from '../checks/check-runner.ts'
import { createSetUp } from '../checks/set-up.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { listProposers } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { createAiderExecutor } from '../executors/aider/aider-executor.ts'
import { aiderFolder, createAiderFinder } from '../executors/aider/find-aider.ts'
import { createPatchExecutor } from '../executors/patch/patch-executor.ts'
import { createApiCalls, createGh, createMutationPace, type Gh } from '../forge/github/gh.ts'
import { createGitHubForge } from '../forge/github/github-forge.ts'
import { createTokens } from '../forge/github/tokens.ts'
import { createLocalForge } from '../forge/local/local-forge.ts'
import type { Git } from '../git/git.ts'
import { Mirrors } from '../git/mirrors.ts'
import type { Log } from '../log.ts'
import { createForeignManager } from '../manager/foreign-manager.ts'
import { createManager, type OwnManager } from '../manager/manager.ts'
import { buildRoutingRequest } from '../manager/routing-request.ts'
import { createGateway } from '../models/gateway.ts'
import { createModels, type Models } from '../models/models.ts'
import { providerKey } from '../models/provider-pause.ts'
import type { ConditionSources, ProposerConditions } from '../orchestrator/resume-conditions.ts'
import type { ModelGateway } from '../ports/model-access.ts'
import type { Proposer } from '../ports/proposal.ts'
import type { PullRequestWatch } from '../ports/pull-request.ts'
import { createForeignProposer } from '../proposer/foreign-proposer.ts'
import { meteredProposer } from '../proposer/metered-proposer.ts'
import { createProposer } from '../proposer/proposer.ts'
import { buildProposerRequest } from '../proposer/proposer-request.ts'
import { knownSecrets } from '../redaction/redaction.ts'
import { findToolchains, type Toolchains } from '../sandbox/toolchains.ts'
import { createSecretSearch } from '../workspace/secret-search.ts'
import { createWorkspaces } from '../workspace/workspaces.ts'

/** The concrete parts, and those of our own that are served to others even where an attempt uses foreign ones. */
export type Parts = {
  adapters: Adapters
  models: Models
  mirrors: Mirrors
  gateway: AsyncDisposable
  git: Git
  toolchains: () => Promise<Toolchains>
  manager: OwnManager
  proposer: Proposer
  gh: Gh
  watch: PullRequestWatch
  /** What suspended orders wait for of proposers. */
  proposers: ConditionSources['proposers']
}

export function createParts(deps: { db: Kysely<Database>; config: Config; clock: Clock; log: Log }): Parts {
  const { db, config, clock, log } = deps
  const apiCalls = createApiCalls(clock)
  const tokenFor = createTokens(config, clock.now)
  const gh = createGh(config, { tokenFor, apiCalls, pace: createMutationPace(clock) })
  const mirrors = new Mirrors(config.home, { network: config.networkEnvironment, agent: config.sshAgent, tokenFor })
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
  const workspaces = createWorkspaces({ root: config.home, mirrors })
  const scripts = { home: config.home, toolchains: () => handedToolchains(config) }
  const checkRunner = createCheckRunner(scripts)
  const setUp = createSetUp({ ...scripts, checkRunner, workspaces })
  return {
    models,
    gateway,
    mirrors,
    git: mirrors.git,
    toolchains: scripts.toolchains,
    manager: ownManager,
    proposer: ownProposer,
    gh,
    watch: github,
    proposers: () => proposerConditions(db, models),
    adapters: {
      manager: config.managerUrl === null ? ownManager : createForeignManager({ url: config.managerUrl }),
      proposer:
        config.proposerUrl === null
          ? ownProposer
          : meteredProposer(createForeignProposer({ url: config.proposerUrl, timeoutMs: config.modelTimeoutMs }), {
              ...deps,
              maxCostUsd: config.proposerMaxCostUsd,
              admit: models.admit,
            }),
      executors: createExecutors(config, gateway),
      checkRunner,
      setUp,
      bases: createBaseChecks({ ...config, db, workspaces, checkRunner, setUp, watched: watchedFolders(config) }),
      workspaces,
      secretSearch: createSecretSearch(mirrors, knownSecrets(config)),
      forges: { local: createLocalForge({ db, mirrors, log, clock }), github },
      buildRoutingRequest,
      buildProposerRequest,
    },
  }
}

/** What of this machine set-ups and checks are handed: toolchains, also those installed since, and how the net is reached. */
async function handedToolchains(
  config: Pick<Config, 'toolchainEnvironment' | 'childNetworkEnvironment' | 'executablePath'>,
): Promise<Toolchains> {
  const { toolchainEnvironment: environment, childNetworkEnvironment: network, executablePath } = config
  const found = await findToolchains({ environment, executablePath })
  return { ...found, variables: { ...network, ...found.variables } }
}

/** The operator's HOME: other folders, such as that for temporary files, change by themselves. */
function watchedFolders({ toolchainEnvironment: { HOME: home } }: Pick<Config, 'toolchainEnvironment'>): string[] {
  return home === undefined || !path.isAbsolute(home) ? [] : [home]
}

function createExecutors(config: Config, gateway: ModelGateway): Executors {
  const { home, executor: wanted, aiderBin: bin, aiderTimeoutMs: timeoutMs, contextMaxBytes, executablePath } = config
  const locate = createAiderFinder({ bin, folder: aiderFolder(config), executablePath })
  const aider = createAiderExecutor({ gateway, locate, timeoutMs, contextMaxBytes, executablePath, home })
  return { wanted, patch: createPatchExecutor(), aider }
}

/** As `proposer_configs` has them now. */
async function proposerConditions(db: Kysely<Database>, models: Models): Promise<ProposerConditions> {
  const { proposers } = await listProposers(db)
  const find = (name: string) => proposers.find((proposer) => proposer.name === name)
  return {
    isPriceKnown(name) {
      const proposer = find(name)
      return proposer === undefined || models.whyUnavailable(proposer)?.code !== 'price_unknown'
    },
    providerOf(name) {
      const proposer = find(name)
      return proposer === undefined ? null : providerKey(proposer)
    },
  }
}

import path from 'node:path'
import type { Kysely } from 'kysely'
import type { Executors } from '../attempt/choose-executor.ts'
import type { Adapters } from '../attempt/context.ts'
import { createBaseChecks } from '../checks/base-checks.ts'
import { createCheckRunner } from '../checks/check-runner.ts'
import { failureTeller } from '../checks/excerpt/failure-teller.ts'
import { createSetUp } from '../checks/set-up.ts'
import type { FirstCallOf } from '../client-manager/retry-room.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { grantsOf } from '../db/projects.ts'
import { listProposers } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { readPauseAfter } from '../db/system-config.ts'
import { readPausing } from '../db/work-orders/failure-rows.ts'
import { createAiderExecutor } from '../executors/aider/aider-executor.ts'
import { aiderFolder, createAiderFinder } from '../executors/aider/find-aider.ts'
import { createPatchExecutor } from '../executors/patch/patch-executor.ts'
import { createGitHubFollowUp } from '../forge/github/follow-up/follow-up.ts'
import { createApiCalls, createGh, createMutationPace, type Gh } from '../forge/github/gh.ts'
import { createGitHubForge } from '../forge/github/github-forge.ts'
import { createTokens } from '../forge/github/tokens.ts'
import { createLocalFollowUp } from '../forge/local/follow-up.ts'
import { createLocalForge } from '../forge/local/local-forge.ts'
import { followUpWithoutSecrets, watchWithoutSecrets } from '../forge/without-secrets.ts'
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
import type { FollowUpForges } from '../ports/pull-request-facts.ts'
import type { Workspaces } from '../ports/workspace.ts'
import { createForeignProposer } from '../proposer/foreign-proposer.ts'
import { meteredProposer } from '../proposer/metered-proposer.ts'
import { createProposer } from '../proposer/proposer.ts'
import { buildProposerRequest } from '../proposer/proposer-request.ts'
import { createPromptGuard } from '../redaction/prompt-secrets.ts'
import { createRedaction, isWorthStopping, knownSecrets, type Redaction } from '../redaction/redaction.ts'
import { createPublishedSanitizer } from '../redaction/sanitize-output.ts'
import { createNetwork } from '../remote/network-route.ts'
import { ContainerSandbox } from '../sandbox/container/container-sandbox.ts'
import { createSandbox } from '../sandbox/create-sandbox.ts'
import { type ChildNetworks, createChildNetworks } from '../sandbox/network/child-network.ts'
import { NO_IMAGES, type Sandbox } from '../sandbox/sandbox.ts'
import { findToolchains, type Toolchains } from '../sandbox/toolchains.ts'
import type { Project } from '../work-order/project.ts'
import { createHeldSearch } from '../workspace/held-search.ts'
import { createSecretSearch } from '../workspace/secret-search.ts'
import { createWorkspaces } from '../workspace/workspaces.ts'
import { createFirstCallOf } from './first-call.ts'

/** The concrete parts, and those of our own that are served to others even where an attempt uses foreign ones. */
export type Parts = {
  adapters: Adapters
  models: Models
  mirrors: Mirrors
  gateway: AsyncDisposable
  sandbox: Sandbox
  networks: ChildNetworks
  /** The same where it is one of containers; null: it is another. */
  containers: ContainerSandbox | null
  git: Git
  toolchains: () => Promise<Toolchains>
  manager: OwnManager
  proposer: Proposer
  /** What a new attempt of an order would reserve first. */
  firstCallOf: FirstCallOf
  gh: Gh
  watch: PullRequestWatch
  followUps: FollowUpForges
  /** What suspended orders wait for of proposers. */
  proposers: ConditionSources['proposers']
}

export function createParts(deps: { db: Kysely<Database>; config: Config; clock: Clock; log: Log }): Parts {
  const { db, config, clock, log } = deps
  const apiCalls = createApiCalls(clock)
  const tokenFor = createTokens(config, clock.now)
  const gh = createGh(config, { tokenFor, apiCalls, pace: createMutationPace(clock) })
  const mirrors = new Mirrors(config.home, { network: config.networkEnvironment, agent: config.sshAgent, tokenFor })
  const onGitHub = { db, mirrors, log, clock, random: Math.random, gh }
  const github = createGitHubForge(onGitHub, apiCalls)
  const local = createLocalForge({ db, mirrors, log, clock })
  const sanitize = createPublishedSanitizer(config)
  const tellFailure = failureTeller(redactionOf(config))
  const models = createModels({ ...config, db, clock, log })
  const ownManager = createManager({ db, models, clock, pauseAfter: () => readPauseAfter(db, config) })
  const refuseSecrets = createPromptGuard(config)
  const ownProposer = createProposer({ ...config, db, models, clock, refuseSecrets })
  const gateway = createGateway({ db, models, home: config.home, refuseSecrets })
  const workspaces = createWorkspaces({ root: config.home, mirrors })
  const { runs, ...children } = createChildParts(deps, workspaces)
  const adapters: Adapters = {
    manager:
      config.managerUrl === null
        ? ownManager
        : createForeignManager({ url: config.managerUrl, network: createNetwork(config.networkEnvironment) }),
    proposer: proposerFor(deps, { models, own: ownProposer }),
    executors: createExecutors(config, { gateway, sandbox: children.sandbox }),
    ...runs,
    workspaces,
    secretSearch: createSecretSearch(mirrors, knownSecrets(config)),
    heldSearch: createHeldSearch(mirrors),
    refuseSecrets,
    forges: { local, github },
    buildRoutingRequest,
    buildProposerRequest,
  }
  return {
    ...children,
    adapters,
    firstCallOf: createFirstCallOf({ ...deps, models, manager: ownManager, adapters }),
    models,
    gateway,
    mirrors,
    git: mirrors.git,
    manager: ownManager,
    proposer: ownProposer,
    gh,
    watch: watchWithoutSecrets(watchOf({ local, github }), sanitize),
    followUps: {
      local: followUpWithoutSecrets(createLocalFollowUp({ db, mirrors, log, clock }), sanitize),
      github: followUpWithoutSecrets(createGitHubFollowUp({ ...onGitHub, tellFailure }), sanitize),
    },
    proposers: () => proposerConditions(db, models, config),
  }
}

/** Each pull request is looked at on its own forge. */
function watchOf(forges: Readonly<Record<Project['forge'], PullRequestWatch>>): PullRequestWatch {
  const watches = Object.entries(forges)
  return {
    async look(watched, signal) {
      const looks = watches.map(([forge, watch]) =>
        watch.look(
          watched.filter(({ project }) => project.forge === forge),
          signal,
        ),
      )
      const looked = await Promise.all(looks)
      return {
        sightings: looked.flatMap(({ sightings }) => sightings),
        lost: looked.flatMap(({ lost }) => lost),
        faults: looked.flatMap(({ faults }) => faults),
      }
    },
    apiCallsLastHour: () => watches.reduce((sum, [, watch]) => sum + watch.apiCallsLastHour(), 0),
  }
}

/** Ours, or a foreign one, for which the ledger reserves what it may cost. */
function proposerFor(
  deps: { db: Kysely<Database>; config: Config; clock: Clock; log: Log },
  { models, own }: { models: Models; own: Proposer },
): Proposer {
  const { proposerUrl: url, modelTimeoutMs: timeoutMs, proposerMaxCostUsd: maxCostUsd } = deps.config
  if (url === null) return own
  const network = createNetwork(deps.config.networkEnvironment)
  return meteredProposer(createForeignProposer({ url, timeoutMs, network }), {
    ...deps,
    maxCostUsd,
    admit: models.admit,
  })
}

function redactionOf(config: Config): Redaction {
  return createRedaction(knownSecrets(config).filter(({ value }) => isWorthStopping(value)))
}

/** What confines foreign code, and the parts of an attempt that run it. */
function createChildParts(deps: { db: Kysely<Database>; config: Config; log: Log }, workspaces: Workspaces) {
  const { db, config } = deps
  const sandbox = createSandbox(config)
  const containers = sandbox instanceof ContainerSandbox ? sandbox : null
  const images = containers === null ? NO_IMAGES : containers
  const toolchains = () => handedToolchains(config, containers !== null)
  const networks = createChildNetworks({
    ...deps,
    home: config.home,
    kind: config.sandbox,
    environment: config.networkEnvironment,
    grantsOf: (projectId) => grantsOf(db, projectId),
  })
  const scripts = { sandbox, networks, toolchains }
  const checkRunner = createCheckRunner({ ...scripts, redacted: redactionOf(config) })
  const setUp = createSetUp({ ...scripts, checkRunner, workspaces, images })
  const parts = { db, sandbox, networks, workspaces, checkRunner, setUp, images, watched: watchedFolders(config) }
  const bases = createBaseChecks({ ...config, ...parts })
  return { sandbox, containers, networks, toolchains, runs: { checkRunner, setUp, images, bases } }
}

/**
 * What of this machine set-ups and checks are handed: toolchains, also those installed since, and how the net is reached.
 * In containers they have those of the image instead, whose `PATH` counts.
 */
async function handedToolchains(
  config: Pick<Config, 'toolchainEnvironment' | 'childNetworkEnvironment' | 'executablePath'>,
  inContainers: boolean,
): Promise<Toolchains> {
  if (inContainers) return { executablePath: '', variables: {}, found: [] }
  const { toolchainEnvironment: environment, childNetworkEnvironment: network, executablePath } = config
  const found = await findToolchains({ environment, executablePath })
  return { ...found, variables: { ...network, ...found.variables } }
}

/** Where nothing confines a check, the operator's HOME: other folders, such as that for temporary files, change by themselves. */
function watchedFolders({
  sandbox,
  toolchainEnvironment: { HOME: home },
}: Pick<Config, 'sandbox' | 'toolchainEnvironment'>): string[] {
  if (sandbox !== 'none') return []
  return home === undefined || !path.isAbsolute(home) ? [] : [home]
}

function createExecutors(config: Config, parts: { gateway: ModelGateway; sandbox: Sandbox }): Executors {
  const { executor: wanted, aiderBin: bin, aiderTimeoutMs: timeoutMs, contextMaxBytes, executablePath } = config
  const locate = createAiderFinder({ bin, folder: aiderFolder(config), executablePath })
  const aider = createAiderExecutor({ ...parts, locate, timeoutMs, contextMaxBytes, executablePath })
  return { wanted, patch: createPatchExecutor(), aider }
}

/** As `proposer_configs` has them now. */
async function proposerConditions(
  db: Kysely<Database>,
  models: Models,
  config: Pick<Config, 'pauseAfterFailures'>,
): Promise<ProposerConditions> {
  const { projects, proposers: paused } = await readPausing(db, await readPauseAfter(db, config))
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
    rowOf(name) {
      const row = paused.get(name)
      return row === undefined ? null : row
    },
    rowOfProject(id) {
      const row = projects.get(id)
      return row === undefined ? null : row
    },
    behind(provider) {
      const active = proposers.filter((proposer) => proposer.active && providerKey(proposer) === provider)
      return active.map(({ name }) => name)
    },
  }
}

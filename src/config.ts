import path from 'node:path'
import type { z } from 'zod'
import { type ApiAccess, accessProblems, toAccess } from './config/api-settings.ts'
import { toChildLimits } from './config/child-limits.ts'
import { type ArmedFault, Environment, PROVIDER_KEY } from './config/environment.ts'
import {
  CERTIFICATE_VARIABLES,
  ENGINE_VARIABLES,
  LOGIN_VARIABLES,
  NETWORK_VARIABLES,
  REGISTRY_VARIABLES,
  TOOLCHAIN_VARIABLES,
} from './config/handed-on.ts'
import { missingConnection } from './config/supabase.ts'
import { Fault } from './faults/fault.ts'
import { describeProblems, fieldProblems } from './faults/schema-problems.ts'

export type Config = {
  /** Absolute path; everything Moose keeps on disk is below it. */
  home: string
  /** Null: the embedded Postgres under `home`. */
  databaseUrl: string | null
  /** Where a project of Supabase is named and no database is: what to set; null: nothing is missing. */
  missingConnection: string | null
  /** 0 lets the system choose. */
  port: number
  /** Who may reach the API, and how. */
  api: ApiAccess
  /** What is wrong with it where others are to reach it: `variable reason`. A service does not start with any. */
  apiProblems: readonly string[]
  /** Where people reach the page, without a slash at its end; null: it is not said. */
  pageUrl: string | null
  /** What commands send to a service; null: that of the home. */
  apiToken: string | null
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  pollingIntervalMs: number
  maxConcurrent: number
  /** Attempts at once in one repository; null: any number within `maxConcurrent`. */
  maxPerRepository: number | null
  /** Orders in a row that fail alike, after which their project or proposer is paused; 0: never. */
  pauseAfterFailures: number
  /** Calls at once to one provider, over the whole fleet; null: any number. */
  maxCallsPerProvider: number | null
  autoStart: boolean
  /** What applies proposals; `auto`: whatever suits the proposal. */
  executor: 'auto' | 'patch' | 'aider'
  /** What confines set-ups, checks and Aider. */
  sandbox: 'bubblewrap' | 'seatbelt' | 'podman' | 'docker' | 'none'
  /** The operator's options of an engine of containers, before its subcommand. */
  engineArguments: readonly string[]
  /** The whole environment of the client of an engine; no child sees it. */
  engineEnvironment: Readonly<Record<string, string>>
  /** The operator's own Aider; null: the one `moose doctor --fix` installs. */
  aiderBin: string | null
  /** How long one run of Aider may take. */
  aiderTimeoutMs: number
  /** What one child that runs foreign code may use, with all that it starts. */
  childLimits: ReturnType<typeof toChildLimits>
  /** What an installation may know of the environment: where packages are, through which proxy. May hold secrets. */
  installEnvironment: Readonly<Record<string, string>>
  /** How long running steps may take to finish after SIGTERM. */
  drainGraceMs: number
  /** How long a worker may be silent before others take its attempts over. */
  leaseMs: number
  /** For fault tests; null: nothing is made to go wrong. */
  fault: ArmedFault | null
  /** Bytes of file content one proposal may carry. */
  contextMaxBytes: number
  /** Tokens of what a model is shown beside the files in scope. */
  extraContextTokens: number
  /** How often a model mends a change that failed a check, where `moose.yaml` says nothing of it. */
  repairMax: number
  modelTimeoutMs: number
  /** Hosts of models beside those Moose knows, as `MOOSE_MODEL_HOSTS` names them. */
  modelHosts: readonly string[]
  /** A Manager and a Proposer outside Moose; null: ours. */
  managerUrl: string | null
  proposerUrl: string | null
  /** The most one proposal of a foreign Proposer may cost; decimal. */
  proposerMaxCostUsd: string
  /** Folder of recordings for the `replay` provider, which need not exist. */
  replayDir: string
  /** Pause between two looks at the open pull requests of GitHub. */
  trackIntervalMs: number
  /** Whether Moose reacts to what becomes of open pull requests. */
  followUp: boolean
  kept: KeptDays
  github: {
    /** Host the enterprise token is for; null: there is none. */
    enterpriseHost: string | null
    /** Whether Moose runs inside GitHub Actions, whose own token starts no workflows. */
    insideActions: boolean
  }
  /** Variables for a gh that reads the operator's own login. */
  loginEnvironment: Readonly<Record<string, string>>
  /** Proxy and certificates, for providers, gh and git. */
  networkEnvironment: Readonly<Record<string, string>>
  /** Certificates for set-ups and checks, which reach the net through a proxy of Moose's own. */
  childNetworkEnvironment: Readonly<Record<string, string>>
  /** The socket of the operator's ssh agent, for git alone; null: there is none. */
  sshAgent: string | null
  /** The operator's own configuration of git, where it may be; absolute paths. */
  gitConfigFiles: readonly string[]
  /** Where the operator's own toolchains are; what of it children are told is decided in `src/sandbox/toolchains.ts`. */
  toolchainEnvironment: Readonly<Record<string, string>>
  /** Registries of the operator's own, of which `moose init` reads the hosts; may hold keys. */
  registryEnvironment: Readonly<Record<string, string>>
  /** Where children find their programs. */
  executablePath: string
  secrets: Secrets
  githubSecrets: GitHubSecrets
  /** Where traces are sent to; null: there are none. */
  tracing: TracingTarget | null
}

export type TracingTarget = {
  /** Of the signal itself: `http://localhost:4318/v1/traces`. */
  url: string
  /** Usually a key of the service that takes the traces in. */
  headers: Readonly<Record<string, string>>
  serviceName: string
}

/** For how many days something is kept that can be made again or is no longer needed. */
export type KeptDays = {
  /** Of an order that has ended: what the engine knows of its runs, and its commits in the mirror. */
  runs: number
  /** Of an order that has ended: the answers of models, which a retry would be given again. */
  answers: number
  /** Of an order that has ended: what its checks and Aider printed. */
  output: number
  /** Of a project without an unfinished order, since its last attempt: its mirror. */
  mirrors: number
}

/** The folder of a home's own recordings, below it. */
export const RECORDINGS = 'recordings'

/**
 * The keys of providers, by the variable that holds each: every variable that ends in `_API_KEY`. Kept apart so that
 * printing the rest is safe.
 */
export type Secrets = Readonly<Record<string, string>>

/** Apart from the others because models need none of them. */
export type GitHubSecrets = {
  /** For github.com; null: the operator's own gh is asked. */
  token: string | null
  /** For `github.enterpriseHost`. */
  enterpriseToken: string | null
  /** What GitHub signs webhooks with; null: none are taken. */
  webhook: string | null
}

/**
 * Reads the configuration from an environment. An empty variable counts as unset.
 *
 * @throws {Fault} `config_invalid` naming every malformed variable at once
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = Environment.safeParse(set)
  if (!parsed.success) throw invalid(parsed.error)
  return Object.freeze({
    ...toConfig(parsed.data),
    loginEnvironment: pick(set, LOGIN_VARIABLES),
    networkEnvironment: pick(set, NETWORK_VARIABLES),
    childNetworkEnvironment: childNetwork(set),
    toolchainEnvironment: pick(set, TOOLCHAIN_VARIABLES),
    registryEnvironment: pick(set, REGISTRY_VARIABLES),
    engineEnvironment: { ...pick(set, ENGINE_VARIABLES), PATH: absoluteEntries(parsed.data.PATH) },
    installEnvironment: installEnvironment(set),
    secrets: providerKeys(set),
    gitConfigFiles: gitConfigFiles(set),
  })
}

function childNetwork(set: Record<string, string | undefined>): Record<string, string> {
  const named = Object.entries(pick(set, [...NETWORK_VARIABLES, ...CERTIFICATE_VARIABLES]))
  return Object.fromEntries(named.filter(([name]) => !/_proxy$/i.test(name)))
}

/** Only these: a row of the database names the variable whose value is sent to a provider. */
function providerKeys(set: Record<string, string | undefined>): Secrets {
  return Object.fromEntries(
    Object.entries(set).flatMap(([name, value]) =>
      value !== undefined && PROVIDER_KEY.test(name) ? [[name, value]] : [],
    ),
  )
}

function pick(set: Record<string, string | undefined>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (set[name] === undefined ? [] : [[name, set[name]]])))
}

/** A relative or empty entry means the working folder, which may be a foreign repository. */
function absoluteEntries(searchPath: string): string {
  return searchPath.split(path.delimiter).filter(path.isAbsolute).join(path.delimiter)
}

function invalid(error: z.ZodError): Fault {
  const problems = fieldProblems(error)
  const variables = problems.map(({ field }) => field).join(', ')
  const message = `Bad configuration: ${describeProblems(problems)}. Correct or unset it.`
  return new Fault('config_invalid', message, { variables })
}

/** HOME too: pip and uv find their configuration and caches there. */
function installEnvironment(set: Record<string, string | undefined>): Record<string, string> {
  const wanted = /^(HOME|PATH|LANG|PIP_\w+|UV_\w+|(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE)$/i
  return Object.fromEntries(
    Object.entries(set).flatMap(([name, value]) => (value !== undefined && wanted.test(name) ? [[name, value]] : [])),
  )
}

type PassedOn =
  | 'loginEnvironment'
  | 'networkEnvironment'
  | 'childNetworkEnvironment'
  | 'toolchainEnvironment'
  | 'registryEnvironment'
  | 'engineEnvironment'
  | 'installEnvironment'
  | 'secrets'
  | 'gitConfigFiles'

/** @see https://git-scm.com/docs/git-config#FILES */
function gitConfigFiles({ HOME: home, XDG_CONFIG_HOME: xdg }: Record<string, string | undefined>): string[] {
  const inHome = (name: string) => (home === undefined ? [] : [path.join(home, name)])
  const general = xdg === undefined ? inHome('.config/git/config') : [path.join(xdg, 'git/config')]
  return [...general, ...inHome('.gitconfig')].filter((file) => path.isAbsolute(file))
}

function toConfig(env: z.infer<typeof Environment>): Omit<Config, PassedOn> {
  return {
    home: path.resolve(env.MOOSE_HOME),
    databaseUrl: env.DATABASE_URL ?? null,
    missingConnection: missingConnection(env),
    port: env.MOOSE_PORT,
    api: toAccess(env),
    apiProblems: accessProblems(env).map(({ variable, message }) => `${variable} ${message}`),
    pageUrl: env.MOOSE_PUBLIC_URL ?? null,
    apiToken: env.MOOSE_API_TOKEN ?? null,
    logLevel: env.MOOSE_LOG_LEVEL,
    pollingIntervalMs: env.ORCHESTRATOR_POLLING_INTERVAL_MS,
    maxConcurrent: env.ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS,
    maxPerRepository: env.ORCHESTRATOR_MAX_PER_REPOSITORY ?? null,
    pauseAfterFailures: env.ORCHESTRATOR_PAUSE_AFTER_FAILURES,
    maxCallsPerProvider: env.ORCHESTRATOR_MAX_CALLS_PER_PROVIDER ?? null,
    autoStart: env.ORCHESTRATOR_AUTO_START,
    executor: env.ORCHESTRATOR_EXECUTOR,
    sandbox: env.MOOSE_SANDBOX,
    engineArguments: env.MOOSE_SANDBOX_ENGINE_ARGUMENTS ?? [],
    aiderBin: env.ORCHESTRATOR_AIDER_BIN ?? null,
    aiderTimeoutMs: env.ORCHESTRATOR_AIDER_TIMEOUT_MS,
    childLimits: toChildLimits(env),
    leaseMs: env.MOOSE_LEASE_MS,
    fault: env.MOOSE_FAULT ?? null,
    drainGraceMs: env.MOOSE_DRAIN_GRACE_MS,
    contextMaxBytes: env.MOOSE_CONTEXT_MAX_BYTES,
    extraContextTokens: env.MOOSE_EXTRA_CONTEXT_TOKENS,
    repairMax: env.MOOSE_REPAIR_MAX,
    modelTimeoutMs: env.MOOSE_MODEL_TIMEOUT_MS,
    modelHosts: env.MOOSE_MODEL_HOSTS ?? [],
    managerUrl: env.MOOSE_MANAGER_URL ?? null,
    proposerUrl: env.MOOSE_PROPOSER_URL ?? null,
    proposerMaxCostUsd: env.MOOSE_PROPOSER_MAX_COST_USD,
    replayDir: env.MOOSE_REPLAY_DIR ?? path.join(path.resolve(env.MOOSE_HOME), RECORDINGS),
    trackIntervalMs: env.MOOSE_TRACK_INTERVAL_MS,
    followUp: env.MOOSE_FOLLOW_UP,
    kept: {
      runs: env.MOOSE_KEEP_RUNS_DAYS,
      answers: env.MOOSE_KEEP_ANSWERS_DAYS,
      output: env.MOOSE_KEEP_OUTPUT_DAYS,
      mirrors: env.MOOSE_KEEP_MIRRORS_DAYS,
    },
    github: { enterpriseHost: env.GH_HOST ?? null, insideActions: env.GITHUB_ACTIONS ?? false },
    sshAgent: env.SSH_AUTH_SOCK ?? null,
    executablePath: absoluteEntries(env.PATH),
    githubSecrets: {
      token: env.GH_TOKEN ?? env.GITHUB_TOKEN ?? null,
      enterpriseToken: env.GH_ENTERPRISE_TOKEN ?? env.GITHUB_ENTERPRISE_TOKEN ?? null,
      webhook: env.MOOSE_GITHUB_WEBHOOK_SECRET ?? null,
    },
    tracing: toTracing(env),
  }
}

/** @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp */
function toTracing(env: z.infer<typeof Environment>): TracingTarget | null {
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/?$/, '/v1/traces')
  const url = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? base
  if (url === undefined || env.OTEL_SDK_DISABLED) return null
  const headers = { ...env.OTEL_EXPORTER_OTLP_HEADERS, ...env.OTEL_EXPORTER_OTLP_TRACES_HEADERS }
  return { url, headers, serviceName: env.OTEL_SERVICE_NAME }
}

/** A database URL as it may be shown: without its password. */
export function shownDatabaseUrl(url: string): string {
  const shown = new URL(url)
  if (shown.password !== '') shown.password = '***'
  if (shown.searchParams.has('password')) shown.searchParams.set('password', '***')
  return shown.href
}

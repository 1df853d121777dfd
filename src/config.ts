import { homedir } from 'node:os'
import path from 'node:path'
import envPaths from 'env-paths'
import { z } from 'zod'
import { Fault } from './faults/fault.ts'
import { FAULT_POINTS } from './faults/fault-point.ts'
import { describeProblems, fieldProblems } from './faults/schema-problems.ts'

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'is not a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `is not between ${min} and ${max}`)

const flag = z.enum(['true', 'false'], 'is neither true nor false').transform((value) => value === 'true')
const BAD_PERCENT = 'has a % that begins no percent-encoded character; write % itself as %25'

/** A name and password in it become basic authentication, and are decoded for that. */
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'is not an http(s) URL' })
  .refine((url) => isDecodable(url, ({ username, password }) => [username, password]), BAD_PERCENT)

/** What the driver decodes has to decode, and the port it takes from the query has to be one. */
const databaseUrl = z
  .url({ protocol: /^postgres(ql)?$/, error: 'is not a postgresql:// URL' })
  .refine(
    (url) => isDecodable(url, ({ username, password, host, pathname }) => [username, password, host, pathname]),
    BAD_PERCENT,
  )
  .refine((url) => !URL.canParse(url) || isPort(new URL(url).searchParams.get('port')), 'names a port that is none')

/** As OpenTelemetry writes them: `key=value,key=value`, the values percent-encoded. */
const keyValues = z
  .string()
  .regex(/^\s*[^\s=,]+\s*=[^,]*(,\s*[^\s=,]+\s*=[^,]*)*$/, 'is not key=value,key=value')
  .refine(isPercentEncoded, 'has a % that begins no percent-encoded character')
  .transform((text) => Object.fromEntries(text.split(',').map(keyValue)))

/** The default where nothing says where the user's files are; refused by its form. */
const NO_HOME = ''

/** Bounds of the settings that also live in `system_config`, where they can be changed at run time. */
export const POLLING_INTERVAL_MS = wholeNumber(100, 3_600_000)
export const MAX_CONCURRENT = wholeNumber(1, 100)
export const KEPT_DAYS = wholeNumber(1, 36_500)
/** Of limits that hold within `MAX_CONCURRENT`. */
export const MAX_WITHIN = wholeNumber(1, 1_000)

/** Traces are sent as JSON, which takes the same endpoint as protobuf; gRPC takes another. */
const ONLY_HTTP = 'is neither http/json nor http/protobuf; Moose sends JSON over HTTP, usually to port 4318'

/** For fault tests: `push:after:kill`, or `begin_step:before:stop@3` for the third time. */
const armedFault = z
  .string()
  .regex(
    /^[a-z_]+:(before|after):(kill|fail|stop|block)(@[1-9]\d{0,3})?$/,
    'is not effect:before|after:kill|fail|stop|block[@time]',
  )
  .transform((text) => {
    const [effect, moment, rest] = text.split(':')
    const [how, time] = String(rest).split('@')
    return { effect, moment, how, time: Number(time ?? 1) }
  })
  .pipe(
    z.object({
      effect: z.enum(FAULT_POINTS, `names no effect of ${FAULT_POINTS.join(', ')}`),
      moment: z.enum(['before', 'after']),
      how: z.enum(['kill', 'fail', 'stop', 'block']),
      time: z.number(),
    }),
  )
/** A fault that happens around an effect, the `time`-th time it does. */
export type ArmedFault = z.infer<typeof armedFault>

/** Every environment variable Moose reads, its form and its default. Nothing else in `src/` reads the environment. */
const Environment = z.object({
  DATABASE_URL: databaseUrl.optional(),
  MOOSE_HOME: z
    .string()
    .refine(path.isAbsolute, {
      error: ({ input }) =>
        input === NO_HOME ? 'is not set, and HOME is empty: set it to an absolute path' : 'is not an absolute path',
    })
    .prefault(() => defaultHome()),
  MOOSE_PORT: wholeNumber(0, 65_535).default(4646),
  MOOSE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('warn'),
  MOOSE_MANAGER_URL: httpUrl.optional(),
  MOOSE_PROPOSER_URL: httpUrl.optional(),
  MOOSE_PROPOSER_MAX_COST_USD: z
    .string()
    .regex(/^\d{1,6}(\.\d{1,6})?$/, 'is not an amount in USD, e.g. 1.50')
    .default('1'),
  MOOSE_REPLAY_DIR: z.string().refine(path.isAbsolute, 'is not an absolute path').optional(),
  MOOSE_MODEL_TIMEOUT_MS: wholeNumber(1_000, 3_600_000).default(600_000),
  MOOSE_FAULT: armedFault.optional(),
  MOOSE_LEASE_MS: wholeNumber(500, 3_600_000).default(15_000),
  MOOSE_DRAIN_GRACE_MS: wholeNumber(0, 3_600_000).default(30_000),
  MOOSE_CONTEXT_MAX_BYTES: wholeNumber(1_000, 10_000_000).default(400_000),
  MOOSE_TRACK_INTERVAL_MS: wholeNumber(1_000, 3_600_000).default(45_000),
  MOOSE_KEEP_RUNS_DAYS: KEPT_DAYS.default(7),
  MOOSE_KEEP_ANSWERS_DAYS: KEPT_DAYS.default(30),
  MOOSE_KEEP_OUTPUT_DAYS: KEPT_DAYS.default(90),
  MOOSE_KEEP_MIRRORS_DAYS: KEPT_DAYS.default(30),
  MOOSE_GITHUB_WEBHOOK_SECRET: z.string().min(16, 'is shorter than 16 characters').optional(),
  ORCHESTRATOR_POLLING_INTERVAL_MS: POLLING_INTERVAL_MS.default(10_000),
  ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: MAX_CONCURRENT.default(3),
  ORCHESTRATOR_MAX_PER_REPOSITORY: MAX_WITHIN.optional(),
  ORCHESTRATOR_MAX_CALLS_PER_PROVIDER: MAX_WITHIN.optional(),
  ORCHESTRATOR_AUTO_START: flag.default(false),
  ORCHESTRATOR_EXECUTOR: z.enum(['auto', 'patch', 'aider'], 'is none of auto, patch, aider').default('auto'),
  ORCHESTRATOR_AIDER_BIN: z.string().refine(path.isAbsolute, 'is not an absolute path').optional(),
  ORCHESTRATOR_AIDER_TIMEOUT_MS: wholeNumber(1_000, 3_600_000).default(300_000),
  PATH: z.string().default('/usr/local/bin:/usr/bin:/bin'),
  ANTHROPIC_API_KEY: z.string().optional(),
  OPENAI_API_KEY: z.string().optional(),
  OPENAI_COMPATIBLE_API_KEY: z.string().optional(),
  // gh's own names, with gh's meaning: https://cli.github.com/manual/gh_help_environment
  GH_TOKEN: z.string().optional(),
  GITHUB_TOKEN: z.string().optional(),
  GH_ENTERPRISE_TOKEN: z.string().optional(),
  GITHUB_ENTERPRISE_TOKEN: z.string().optional(),
  GH_HOST: z.string().optional(),
  GITHUB_ACTIONS: flag.optional(),
  // OpenTelemetry's own names: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: keyValues.optional(),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: keyValues.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.enum(['http/json', 'http/protobuf'], ONLY_HTTP).optional(),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: z.enum(['http/json', 'http/protobuf'], ONLY_HTTP).optional(),
  OTEL_SERVICE_NAME: z.string().default('moose'),
  OTEL_SDK_DISABLED: flag.default(false),
})

/** Where the operator's own gh keeps its login; only `gh auth token` sees these. */
const LOGIN_VARIABLES = ['HOME', 'XDG_CONFIG_HOME', 'GH_CONFIG_DIR', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS']
/** How this machine reaches the net; gh and git get these. */
const NETWORK_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy', 'SSL_CERT_FILE', 'SSL_CERT_DIR']

export type Config = {
  /** Absolute path; everything Moose keeps on disk is below it. */
  home: string
  /** Null: the embedded Postgres under `home`. */
  databaseUrl: string | null
  /** 0 lets the system choose. */
  port: number
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  pollingIntervalMs: number
  maxConcurrent: number
  /** Attempts at once in one repository; null: any number within `maxConcurrent`. */
  maxPerRepository: number | null
  /** Calls at once to one provider, over the whole fleet; null: any number. */
  maxCallsPerProvider: number | null
  autoStart: boolean
  /** What applies proposals; `auto`: whatever suits the proposal. */
  executor: 'auto' | 'patch' | 'aider'
  /** The operator's own Aider; null: the one `moose doctor --fix` installs. */
  aiderBin: string | null
  /** How long one run of Aider may take. */
  aiderTimeoutMs: number
  /** What an installation may know of the environment: where packages are, through which proxy. May hold secrets. */
  installEnvironment: Readonly<Record<string, string>>
  /** How long running steps may go on after SIGTERM. */
  drainGraceMs: number
  /** How long a worker may be silent before others take its attempts over. */
  leaseMs: number
  /** For fault tests; null: nothing is made to go wrong. */
  fault: ArmedFault | null
  /** Bytes of file content one proposal may carry. */
  contextMaxBytes: number
  modelTimeoutMs: number
  /** Somebody else's Manager and Proposer; null: ours. */
  managerUrl: string | null
  proposerUrl: string | null
  /** The most one proposal of a foreign Proposer may cost; decimal. */
  proposerMaxCostUsd: string
  /** Folder of recordings for the `replay` provider; null: there is no such provider. */
  replayDir: string | null
  /** Pause between two looks at the open pull requests of GitHub. */
  trackIntervalMs: number
  kept: KeptDays
  github: {
    /** Host the enterprise token is for; null: there is none. */
    enterpriseHost: string | null
    /** Whether Moose runs inside GitHub Actions, whose own token starts no workflows. */
    insideActions: boolean
  }
  /** Variables for a gh that reads the operator's own login. */
  loginEnvironment: Readonly<Record<string, string>>
  /** Proxy and certificates, for gh and git. */
  networkEnvironment: Readonly<Record<string, string>>
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

/** For how many days something is kept that can be made again or that nobody needs to go on. */
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

/** Kept apart so that printing the rest is safe. */
export type Secrets = { anthropic: string | null; openai: string | null; openaiCompatible: string | null }

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
    installEnvironment: installEnvironment(set),
  })
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

type PassedOn = 'loginEnvironment' | 'networkEnvironment' | 'installEnvironment'

function toConfig(env: z.infer<typeof Environment>): Omit<Config, PassedOn> {
  return {
    home: path.resolve(env.MOOSE_HOME),
    databaseUrl: env.DATABASE_URL ?? null,
    port: env.MOOSE_PORT,
    logLevel: env.MOOSE_LOG_LEVEL,
    pollingIntervalMs: env.ORCHESTRATOR_POLLING_INTERVAL_MS,
    maxConcurrent: env.ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS,
    maxPerRepository: env.ORCHESTRATOR_MAX_PER_REPOSITORY ?? null,
    maxCallsPerProvider: env.ORCHESTRATOR_MAX_CALLS_PER_PROVIDER ?? null,
    autoStart: env.ORCHESTRATOR_AUTO_START,
    executor: env.ORCHESTRATOR_EXECUTOR,
    aiderBin: env.ORCHESTRATOR_AIDER_BIN ?? null,
    aiderTimeoutMs: env.ORCHESTRATOR_AIDER_TIMEOUT_MS,
    leaseMs: env.MOOSE_LEASE_MS,
    fault: env.MOOSE_FAULT ?? null,
    drainGraceMs: env.MOOSE_DRAIN_GRACE_MS,
    contextMaxBytes: env.MOOSE_CONTEXT_MAX_BYTES,
    modelTimeoutMs: env.MOOSE_MODEL_TIMEOUT_MS,
    managerUrl: env.MOOSE_MANAGER_URL ?? null,
    proposerUrl: env.MOOSE_PROPOSER_URL ?? null,
    proposerMaxCostUsd: env.MOOSE_PROPOSER_MAX_COST_USD,
    replayDir: env.MOOSE_REPLAY_DIR ?? null,
    trackIntervalMs: env.MOOSE_TRACK_INTERVAL_MS,
    kept: {
      runs: env.MOOSE_KEEP_RUNS_DAYS,
      answers: env.MOOSE_KEEP_ANSWERS_DAYS,
      output: env.MOOSE_KEEP_OUTPUT_DAYS,
      mirrors: env.MOOSE_KEEP_MIRRORS_DAYS,
    },
    github: { enterpriseHost: env.GH_HOST ?? null, insideActions: env.GITHUB_ACTIONS ?? false },
    executablePath: absoluteEntries(env.PATH),
    secrets: {
      anthropic: env.ANTHROPIC_API_KEY ?? null,
      openai: env.OPENAI_API_KEY ?? null,
      openaiCompatible: env.OPENAI_COMPATIBLE_API_KEY ?? null,
    },
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

/** Whether these parts of a URL can be decoded; what is no URL is refused for that. */
function isDecodable(url: string, partsOf: (url: URL) => readonly string[]): boolean {
  return !URL.canParse(url) || partsOf(new URL(url)).every(isPercentEncoded)
}

/** Whether it decodes to text; a NUL is none. */
function isPercentEncoded(text: string): boolean {
  try {
    return !decodeURIComponent(text).includes('\0')
  } catch {
    return false
  }
}

/** @param port of a query; null: the usual one */
function isPort(port: string | null): boolean {
  return port === null || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)
}

function keyValue(pair: string): [string, string] {
  const [key, ...value] = pair.split('=')
  return [String(key).trim(), decodeURIComponent(value.join('=').trim())]
}

/** The platform's data folder, e.g. `~/.local/share/moose`; in the home folder where there is none to name. */
function defaultHome(): string {
  const data = envPaths('moose', { suffix: '' }).data
  if (path.isAbsolute(data)) return data
  return path.isAbsolute(homedir()) ? path.join(homedir(), '.moose') : NO_HOME
}

/** A database URL as it may be shown: without its password. */
export function shownDatabaseUrl(url: string): string {
  const shown = new URL(url)
  if (shown.password !== '') shown.password = '***'
  if (shown.searchParams.has('password')) shown.searchParams.set('password', '***')
  return shown.href
}

import { homedir } from 'node:os'
import path from 'node:path'
import envPaths from 'env-paths'
import { z } from 'zod'
import { FAULT_POINTS } from '../faults/fault-point.ts'
import { apiKey } from './api-key.ts'
import { API_SETTINGS } from './api-settings.ts'
import { CHILD_LIMITS } from './child-limits.ts'
import {
  absolutePath,
  databaseUrl,
  engineArguments,
  flag,
  httpUrl,
  keyValues,
  modelHosts,
  wholeNumber,
} from './setting-forms.ts'

/** The default where nothing says where the user's files are; refused by its form. */
const NO_HOME = ''

/** A variable that may hold the key of a provider; a proposer names the one of its key. */
export const PROVIDER_KEY = /^[A-Z][A-Z0-9_]{0,60}_API_KEY$/

/** Bounds of the settings that also live in `system_config`, where they can be changed at run time. */
export const POLLING_INTERVAL_MS = wholeNumber(100, 3_600_000)
export const MAX_CONCURRENT = wholeNumber(1, 100)
/** Times that one attempt may be mended by a model; `moose.yaml` has the same bound. */
export const MOST_REPAIRS = 10
export const KEPT_DAYS = wholeNumber(1, 36_500)
/** Of limits that hold within `MAX_CONCURRENT`. */
export const MAX_WITHIN = wholeNumber(1, 1_000)

/** Traces are sent as JSON, which takes the same endpoint as protobuf; gRPC takes another. */
const ONLY_HTTP = 'is neither http/json nor http/protobuf; Moose sends JSON over HTTP, usually to port 4318'

export const PAUSE_AFTER_FAILURES = wholeNumber(0, 1_000)

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

/**
 * Every environment variable Moose reads: its form, its default and its meaning. Nothing else in `src/` reads the
 * environment. `docs/configuration.md` is made of it: `description` is the meaning, `form` what a value looks like, `unset`
 * what holds without one, `row` the row of `system_config` that overrides it at run time.
 */
export const Environment = z.object({
  DATABASE_URL: databaseUrl.optional().meta({
    description: 'A Postgres server from version 14 on, or [Supabase](supabase.md); not a pooler in transaction mode',
    unset: 'an embedded Postgres in the home',
  }),
  NEXT_PUBLIC_SUPABASE_URL: z.string().optional().meta({
    description:
      'Of [Supabase](supabase.md). Where it is set and `DATABASE_URL` is not, every command says what is missing',
    unset: 'nothing is said',
    form: 'text',
  }),
  NEXT_PUBLIC_SUPABASE_ANON_KEY: z
    .string()
    .optional()
    .meta({ description: 'The same', unset: 'the same', form: 'text' }),
  SUPABASE_SERVICE_ROLE_KEY: z.string().optional().meta({ description: 'The same', unset: 'the same', form: 'text' }),
  MOOSE_HOME: z
    .string()
    .refine(path.isAbsolute, {
      error: ({ input }) =>
        input === NO_HOME ? 'is not set, and HOME is empty: set it to an absolute path' : 'is not an absolute path',
    })
    .prefault(() => defaultHome())
    .meta({
      description: 'Everything Moose keeps on disk: database, mirrors, workspaces, Aider',
      unset: 'the platform’s data folder, such as `~/.local/share/moose`',
      form: 'absolute path',
    }),
  MOOSE_PORT: wholeNumber(0, 65_535)
    .default(4646)
    .meta({ description: 'Where `moose up` serves; 0 lets the system choose' }),
  ...API_SETTINGS,
  MOOSE_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('warn')
    .meta({ description: 'The least important messages that are logged' }),
  MOOSE_SANDBOX: z
    .enum(
      ['bubblewrap', 'seatbelt', 'podman', 'docker', 'none'],
      'is none of bubblewrap, seatbelt, podman, docker, none',
    )
    .prefault(() => (process.platform === 'darwin' ? 'seatbelt' : 'bubblewrap'))
    .meta({
      description: 'What [confines](sandbox.md) set-ups, checks and Aider; `none` does not',
      unset: '`bubblewrap`, on macOS `seatbelt`',
    }),
  MOOSE_SANDBOX_ENGINE_ARGUMENTS: engineArguments.optional().meta({
    description:
      'Where `MOOSE_SANDBOX` is `podman` or `docker`: [options of the engine](sandbox.md#containers), before its subcommand',
    unset: 'none',
    form: 'words separated by spaces, the first with a dash, such as `--runtime runc`',
  }),
  MOOSE_MANAGER_URL: httpUrl
    .optional()
    .meta({ description: 'Another Manager than that of Moose', unset: 'that of Moose' }),
  MOOSE_PROPOSER_URL: httpUrl
    .optional()
    .meta({ description: 'Another Proposer than that of Moose', unset: 'that of Moose' }),
  MOOSE_PROPOSER_MAX_COST_USD: z
    .string()
    .regex(/^\d{1,6}(\.\d{1,6})?$/, 'is not an amount in USD, e.g. 1.50')
    .default('1')
    .meta({
      description: 'The most one proposal of another Proposer may cost; this much is reserved for it',
      form: 'amount such as `1.50`',
    }),
  MOOSE_REPLAY_DIR: absolutePath
    .optional()
    .meta({ description: 'Folder of recordings for the provider `replay`', unset: '`recordings` in `MOOSE_HOME`' }),
  MOOSE_MODEL_TIMEOUT_MS: wholeNumber(1_000, 3_600_000)
    .default(600_000)
    .meta({ description: 'One call to a model, its retries included' }),
  MOOSE_MODEL_HOSTS: modelHosts.optional().meta({
    description:
      'Hosts a proposer’s `base_url` may lead to, beside this machine and the [services Moose knows](models.md#where-keys-are-sent): `host`, `host:port` or `*.domain`, with `http://` before it for clear text',
    unset: 'none',
  }),
  MOOSE_FAULT: armedFault.optional().meta({
    description: 'For fault tests: one fault around one effect of this process',
    unset: 'none',
    form: '`effect:before\\|after:kill\\|fail\\|stop\\|block[@time]`',
  }),
  MOOSE_LEASE_MS: wholeNumber(500, 3_600_000)
    .default(15_000)
    .meta({ description: 'How long a process may be silent before others take its attempts over' }),
  MOOSE_DRAIN_GRACE_MS: wholeNumber(0, 3_600_000)
    .default(30_000)
    .meta({ description: 'How long running steps may continue after SIGTERM or Ctrl-C' }),
  MOOSE_CONTEXT_MAX_BYTES: wholeNumber(1_000, 10_000_000)
    .default(400_000)
    .meta({ description: 'File content that one proposal, or one run of Aider, may carry' }),
  MOOSE_EXTRA_CONTEXT_TOKENS: wholeNumber(0, 1_000_000).default(12_000).meta({
    description:
      'What a model is shown beside the files in scope: [guidance, `context:` files and imported files](models.md#what-a-model-is-shown); 0: nothing',
  }),
  MOOSE_REPAIR_MAX: wholeNumber(0, MOST_REPAIRS).default(2).meta({
    description:
      'How often a model is told what failed a check of its change, and mends it; `repair.max` of [moose.yaml](moose-yaml.md) counts instead where it is set',
  }),
  MOOSE_TRACK_INTERVAL_MS: wholeNumber(1_000, 3_600_000)
    .default(45_000)
    .meta({ description: 'Between two looks at the open pull requests' }),
  MOOSE_FOLLOW_UP: flag.default(true).meta({
    description:
      'Whether Moose [reacts by itself](attempts.md#follow-up) to what becomes of its open pull requests; `false`: a human does',
  }),
  MOOSE_KEEP_RUNS_DAYS: KEPT_DAYS.default(7).meta({
    description: 'How long the engine’s record of runs and the commits in the mirror are kept after an order has ended',
    row: 'keep_runs_days',
  }),
  MOOSE_KEEP_ANSWERS_DAYS: KEPT_DAYS.default(30).meta({
    description: 'How long the answers of models are kept after an order has ended',
    row: 'keep_answers_days',
  }),
  MOOSE_KEEP_OUTPUT_DAYS: KEPT_DAYS.default(90).meta({
    description: 'How long the output of checks and Aider is kept after an order has ended',
    row: 'keep_output_days',
  }),
  MOOSE_KEEP_MIRRORS_DAYS: KEPT_DAYS.default(30).meta({
    description:
      'How long the mirror of a project without an unfinished order is kept after its last attempt, and what a set-up left since it was last used',
    row: 'keep_mirrors_days',
  }),
  MOOSE_GITHUB_WEBHOOK_SECRET: z.string().min(16, 'is shorter than 16 characters').optional().meta({
    description: 'What GitHub signs webhooks with, which are taken at `/api/webhooks/github`',
    unset: 'no webhooks are taken',
    form: 'text of at least 16 characters',
  }),
  ORCHESTRATOR_POLLING_INTERVAL_MS: POLLING_INTERVAL_MS.default(10_000).meta({
    description: 'Between two polls for approved orders; a notification starts one at once',
    row: 'orchestrator_polling_interval_ms',
  }),
  ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: MAX_CONCURRENT.default(3).meta({
    description: 'Attempts at once, over all processes of a database',
    row: 'orchestrator_max_concurrent',
  }),
  ORCHESTRATOR_MAX_PER_REPOSITORY: MAX_WITHIN.optional().meta({
    description: 'Of these, attempts at once in one repository',
    unset: 'any number',
    row: 'orchestrator_max_per_repository',
  }),
  ORCHESTRATOR_PAUSE_AFTER_FAILURES: PAUSE_AFTER_FAILURES.default(5).meta({
    description:
      'Orders in a row that fail with one code at one step, after which their project or proposer is paused; as many attempts ' +
      'of one project run at once, and one more for each that succeeds beside them; 0: neither',
    row: 'orchestrator_pause_after_failures',
  }),
  ORCHESTRATOR_MAX_CALLS_PER_PROVIDER: MAX_WITHIN.optional().meta({
    description: 'Calls at once to one provider, over all processes of a database',
    unset: 'any number',
    row: 'orchestrator_max_calls_per_provider',
  }),
  ORCHESTRATOR_AUTO_START: flag
    .default(false)
    .meta({ description: 'Whether `moose up` takes on approved orders from its start' }),
  ORCHESTRATOR_EXECUTOR: z
    .enum(['auto', 'patch', 'aider'], 'is none of auto, patch, aider')
    .default('auto')
    .meta({ description: 'What applies a proposal; `auto`: `patch` where the proposal applies cleanly, else `aider`' }),
  ORCHESTRATOR_AIDER_BIN: absolutePath
    .optional()
    .meta({ description: 'An Aider 0.86 of your own', unset: 'the one that `moose doctor --fix` installs' }),
  ORCHESTRATOR_AIDER_TIMEOUT_MS: wholeNumber(1_000, 3_600_000)
    .default(300_000)
    .meta({ description: 'One run of Aider' }),
  ...CHILD_LIMITS,
  SSH_AUTH_SOCK: absolutePath.optional().meta({
    description: 'The ssh agent that holds keys of yours, for fetching, pushing and signing; checks never see it',
    unset: 'keys are read from their files',
  }),
  PATH: z.string().default('/usr/local/bin:/usr/bin:/bin').meta({
    description: 'Where git, gh, checks and other children find their programs; relative entries are left out',
  }),
  ANTHROPIC_API_KEY: apiKey
    .optional()
    .meta({ description: 'Key of the provider `anthropic`', unset: 'the provider is not available' }),
  OPENAI_API_KEY: apiKey
    .optional()
    .meta({ description: 'Key of the provider `openai`', unset: 'the provider is not available' }),
  GEMINI_API_KEY: apiKey
    .optional()
    .meta({ description: 'Key of the provider `google`', unset: 'the provider is not available' }),
  OPENAI_COMPATIBLE_API_KEY: apiKey.optional().meta({
    description:
      'Key of the provider `openai-compatible`. A [proposer](models.md) may name any other variable that ends in `_API_KEY`',
    unset: 'no key is sent',
  }),
  // gh's own names, with gh's meaning: https://cli.github.com/manual/gh_help_environment
  GH_TOKEN: apiKey
    .optional()
    .meta({ description: 'Token for github.com', unset: '`GITHUB_TOKEN`, else the login of your `gh`' }),
  GITHUB_TOKEN: apiKey
    .optional()
    .meta({ description: 'Token for github.com, after `GH_TOKEN`', unset: 'the login of your `gh`' }),
  GH_ENTERPRISE_TOKEN: apiKey
    .optional()
    .meta({ description: 'Token for `GH_HOST`', unset: '`GITHUB_ENTERPRISE_TOKEN`, else the login of your `gh`' }),
  GITHUB_ENTERPRISE_TOKEN: apiKey
    .optional()
    .meta({ description: 'Token for `GH_HOST`, after `GH_ENTERPRISE_TOKEN`', unset: 'the login of your `gh`' }),
  GH_HOST: z.string().optional().meta({ description: 'Another GitHub: its host', unset: 'github.com alone' }),
  GITHUB_ACTIONS: flag.optional().meta({
    description: 'Set by GitHub Actions, whose own token starts no workflows; `moose doctor` warns of that',
    unset: '`false`',
  }),
  // OpenTelemetry's own names: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional().meta({
    description: 'Where [traces](observability.md#traces) are sent to; `/v1/traces` is added',
    unset: 'no traces are sent',
  }),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl.optional().meta({
    description: 'The whole URL for traces; wins over `OTEL_EXPORTER_OTLP_ENDPOINT`',
    unset: 'made of `OTEL_EXPORTER_OTLP_ENDPOINT`',
  }),
  OTEL_EXPORTER_OTLP_HEADERS: keyValues
    .optional()
    .meta({ description: 'Headers sent with traces, usually a key', unset: 'none' }),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: keyValues
    .optional()
    .meta({ description: 'Headers sent with traces; each wins over the one of the same name above', unset: 'none' }),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .enum(['http/json', 'http/protobuf'], ONLY_HTTP)
    .optional()
    .meta({ description: 'How traces are sent: always as JSON, to an endpoint that takes both', unset: '`http/json`' }),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: z
    .enum(['http/json', 'http/protobuf'], ONLY_HTTP)
    .optional()
    .meta({ description: 'As `OTEL_EXPORTER_OTLP_PROTOCOL`', unset: '`http/json`' }),
  OTEL_SERVICE_NAME: z.string().default('moose').meta({ description: 'The name of the service in traces' }),
  OTEL_SDK_DISABLED: flag.default(false).meta({ description: '`true`: no traces are sent, whatever else is set' }),
})

/** The platform's data folder, e.g. `~/.local/share/moose`; in the home folder where there is none to name. */
function defaultHome(): string {
  const data = envPaths('moose', { suffix: '' }).data
  if (path.isAbsolute(data)) return data
  return path.isAbsolute(homedir()) ? path.join(homedir(), '.moose') : NO_HOME
}

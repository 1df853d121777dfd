import { homedir } from 'node:os'
import path from 'node:path'
import envPaths from 'env-paths'
import { z } from 'zod'
import { Fault } from './errors.ts'

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'is not a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `is not between ${min} and ${max}`)

const flag = z.enum(['true', 'false'], 'is neither true nor false').transform((value) => value === 'true')
const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' })

/** The default where nothing says where the user's files are; refused by its form. */
const NO_HOME = ''

/** Bounds of the settings that also live in `system_config`, where they can be changed at run time. */
export const POLLING_INTERVAL_MS = wholeNumber(100, 3_600_000)
export const MAX_CONCURRENT = wholeNumber(1, 100)

/** Every environment variable Moose reads, its form and its default. Nothing else in `src/` reads the environment. */
const Environment = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'is not a postgresql:// URL' }).optional(),
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
  MOOSE_REPLAY_DIR: z.string().refine(path.isAbsolute, 'is not an absolute path').optional(),
  MOOSE_MODEL_TIMEOUT_MS: wholeNumber(1_000, 3_600_000).default(600_000),
  MOOSE_DRAIN_GRACE_MS: wholeNumber(0, 3_600_000).default(30_000),
  MOOSE_CONTEXT_MAX_BYTES: wholeNumber(1_000, 10_000_000).default(400_000),
  ORCHESTRATOR_POLLING_INTERVAL_MS: POLLING_INTERVAL_MS.default(10_000),
  ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: MAX_CONCURRENT.default(3),
  ORCHESTRATOR_AUTO_START: flag.default(false),
  PATH: z.string().default('/usr/local/bin:/usr/bin:/bin'),
  ANTHROPIC_API_KEY: z.string().optional(),
  OPENAI_API_KEY: z.string().optional(),
  OPENAI_COMPATIBLE_API_KEY: z.string().optional(),
})

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
  autoStart: boolean
  /** How long running steps may go on after SIGTERM. */
  drainGraceMs: number
  /** Bytes of file content one proposal may carry. */
  contextMaxBytes: number
  modelTimeoutMs: number
  /** Somebody else's Manager and Proposer; null: ours. */
  managerUrl: string | null
  proposerUrl: string | null
  /** Folder of recordings for the `replay` provider; null: there is no such provider. */
  replayDir: string | null
  /** Where children find their programs. */
  executablePath: string
  secrets: Secrets
}

/** Kept apart so that printing the rest is safe. */
export type Secrets = { anthropic: string | null; openai: string | null; openaiCompatible: string | null }

/**
 * Reads the configuration from an environment. An empty variable counts as unset.
 *
 * @throws {Fault} `config_invalid` naming every malformed variable at once
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = Environment.safeParse(set)
  if (!parsed.success) throw invalid(parsed.error)
  return Object.freeze(toConfig(parsed.data))
}

function invalid(error: z.ZodError): Fault {
  const problems = error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
  const variables = error.issues.map((issue) => issue.path.join('.')).join(', ')
  return new Fault('config_invalid', `Bad configuration: ${problems.join('; ')}. Correct or unset it.`, { variables })
}

function toConfig(env: z.infer<typeof Environment>): Config {
  return {
    home: path.resolve(env.MOOSE_HOME),
    databaseUrl: env.DATABASE_URL ?? null,
    port: env.MOOSE_PORT,
    logLevel: env.MOOSE_LOG_LEVEL,
    pollingIntervalMs: env.ORCHESTRATOR_POLLING_INTERVAL_MS,
    maxConcurrent: env.ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS,
    autoStart: env.ORCHESTRATOR_AUTO_START,
    drainGraceMs: env.MOOSE_DRAIN_GRACE_MS,
    contextMaxBytes: env.MOOSE_CONTEXT_MAX_BYTES,
    modelTimeoutMs: env.MOOSE_MODEL_TIMEOUT_MS,
    managerUrl: env.MOOSE_MANAGER_URL ?? null,
    proposerUrl: env.MOOSE_PROPOSER_URL ?? null,
    replayDir: env.MOOSE_REPLAY_DIR ?? null,
    executablePath: env.PATH,
    secrets: {
      anthropic: env.ANTHROPIC_API_KEY ?? null,
      openai: env.OPENAI_API_KEY ?? null,
      openaiCompatible: env.OPENAI_COMPATIBLE_API_KEY ?? null,
    },
  }
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

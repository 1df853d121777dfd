import type { Kysely } from 'kysely'
import { z } from 'zod'
import { PROVIDER_KEY } from '../config/environment.ts'
import { httpUrl } from '../config/setting-forms.ts'
import { ANSWER_FORMS, PROPOSER_KINDS } from '../contract/proposers.ts'
import { contradictionOf, type PriceContradiction } from '../contract/stated-price.ts'
import { Fault } from '../faults/fault.ts'
import { describeIssues } from '../faults/schema-problems.ts'
import { Usd } from '../money.ts'
import type { Database } from './schema.ts'

const NO_RATE = 'is not an amount of USD, 0 or more and below a billion, such as 3 or "0.15"'

/** As a number or a decimal string; a decimal string from here on. */
const Rate = z
  .union([z.number(), z.string()], NO_RATE)
  .refine((rate) => (typeof rate === 'number' ? rate >= 0 && rate < 1e9 : /^\d{1,9}(\.\d{1,40})?$/.test(rate)), NO_RATE)
  .transform((rate) => new Usd(rate).toFixed())
  .optional()

const CostProfileRow = z.looseObject({
  free: z.boolean().optional(),
  input_per_million: Rate,
  output_per_million: Rate,
  cache_read_per_million: Rate,
  cache_write_per_million: Rate,
})

/** USD per million tokens as decimal strings. A cache rate that is not stated is the input rate. */
type StatedPrice =
  | 'free'
  | {
      inputPerMillion: string
      outputPerMillion: string
      cacheReadPerMillion?: string | undefined
      cacheWritePerMillion?: string | undefined
    }

/** The first Moose kept other numbers under other names here; they are not read. */
const CostProfile = CostProfileRow.superRefine((profile, context) => {
  const contradiction = contradictionOf(profile)
  if (contradiction !== null) context.addIssue({ code: 'custom', message: CONTRADICTIONS[contradiction] })
}).transform((profile): StatedPrice | null => {
  const { input_per_million: inputPerMillion, output_per_million: outputPerMillion } = profile
  if (profile.free === true) return 'free'
  if (inputPerMillion === undefined || outputPerMillion === undefined) return null
  const { cache_read_per_million: cacheReadPerMillion, cache_write_per_million: cacheWritePerMillion } = profile
  return { inputPerMillion, outputPerMillion, cacheReadPerMillion, cacheWritePerMillion }
})

const ONE_RATE = 'states only one of input_per_million and output_per_million'
const CONTRADICTIONS: Record<PriceContradiction, string> = {
  free_with_rates: 'says that the model is free and states rates',
  input_missing: ONE_RATE,
  output_missing: ONE_RATE,
  only_cache: 'states rates of the cache without input_per_million and output_per_million',
}

const ProposerRow = z
  .object({
    /** What the Manager selects, e.g. `claude-sonnet-4-5`. */
    name: z.string().min(1),
    provider: z.enum([...PROPOSER_KINDS, 'replay']),
    /** The provider's own model id. */
    model: z.string().min(1),
    /** The highest complexity this proposer is trusted with, 0 to 1. */
    complexity_threshold: z.coerce.number().min(0).max(1),
    cost_profile: CostProfile,
    /** Endpoint that speaks the provider's protocol; null for the provider's own. */
    base_url: httpUrl.nullable(),
    active: z.boolean(),
    /** The environment variable of the key; null: the provider's usual one. */
    key_variable: z
      .string()
      .regex(PROVIDER_KEY, 'is not the name of an environment variable that ends in _API_KEY')
      .nullable(),
    /** Of prompt and answer together; null: not known. */
    context_tokens: z.int().positive().nullable(),
    /** Of Chat Completions; null: what is known of the model. */
    output_limit_parameter: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,63}$/, 'is not the name of a parameter')
      .nullable(),
    answer_form: z.enum(ANSWER_FORMS),
    extra_headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'is not the name of a header'), z.string()),
    extra_body: z.record(z.string(), z.json()),
  })
  .transform(({ complexity_threshold, cost_profile, base_url, ...row }) => ({
    name: row.name,
    provider: row.provider,
    model: row.model,
    active: row.active,
    complexityThreshold: complexity_threshold,
    baseUrl: base_url,
    /** As the operator states it; null: take it from the price library. */
    price: cost_profile,
    keyVariable: row.key_variable,
    contextTokens: row.context_tokens,
    outputLimitParameter: row.output_limit_parameter,
    answerForm: row.answer_form,
    extraHeaders: row.extra_headers,
    extraBody: row.extra_body,
  }))

/** A proposer as `proposer_configs` has it. */
export type ProposerConfig = z.infer<typeof ProposerRow>

const COLUMNS = [
  'name',
  'provider',
  'model',
  'complexity_threshold',
  'cost_profile',
  'base_url',
  'active',
  'key_variable',
  'context_tokens',
  'output_limit_parameter',
  'answer_form',
  'extra_headers',
  'extra_body',
] as const

export type Proposers = {
  /** By name. */
  proposers: ProposerConfig[]
  /** One `config_invalid` for each active row that cannot be read; the others can be used all the same. */
  malformed: Fault[]
  /** The same for the rows that are not active; nothing follows from them. */
  malformedInactive: Fault[]
}

/** Every configured proposer, the inactive ones too. Read anew each time, so that a change at run time counts at once. */
export async function listProposers(db: Kysely<Database>): Promise<Proposers> {
  const rows = await db.selectFrom('proposer_configs').select(COLUMNS).orderBy('name').execute()
  const found: Proposers = { proposers: [], malformed: [], malformedInactive: [] }
  for (const row of rows) {
    const parsed = ProposerRow.safeParse(row)
    if (parsed.success) found.proposers.push(parsed.data)
    else (row.active ? found.malformed : found.malformedInactive).push(malformed(row.name, parsed.error))
  }
  return found
}

/**
 * One proposer.
 *
 * @throws {Fault} `model_unknown` when there is none of that name, `config_invalid` when its row is malformed
 */
export async function getProposerConfig(db: Kysely<Database>, name: string): Promise<ProposerConfig> {
  const row = await db.selectFrom('proposer_configs').select(COLUMNS).where('name', '=', name).executeTakeFirst()
  if (row !== undefined) return toProposerConfig(row)
  throw new Fault(
    'model_unknown',
    `There is no proposer "${name}" in proposer_configs. Add it with: moose proposer add   or see those there are with: moose proposer list`,
    { proposer: name },
  )
}

/**
 * The same, for who asks about it.
 *
 * @throws {Fault} `not_found`, with those there are; `config_invalid`
 */
export async function findProposer(db: Kysely<Database>, name: string): Promise<ProposerConfig> {
  const row = await db.selectFrom('proposer_configs').select(COLUMNS).where('name', '=', name).executeTakeFirst()
  if (row !== undefined) return toProposerConfig(row)
  throw await noSuchProposer(db, name)
}

/** @returns `not_found`, with the names there are */
export async function noSuchProposer(db: Kysely<Database>, name: string): Promise<Fault> {
  const rows = await db.selectFrom('proposer_configs').select('name').orderBy('name').limit(50).execute()
  const known = rows.map((row) => row.name).join(', ')
  const shown = name.slice(0, 80)
  const message = `There is no proposer "${shown}". There are: ${known === '' ? 'none' : known}. Add one with: moose proposer add`
  return new Fault('not_found', message, { proposer: shown })
}

function toProposerConfig(row: { name: string }): ProposerConfig {
  const parsed = ProposerRow.safeParse(row)
  if (!parsed.success) throw malformed(row.name, parsed.error)
  return parsed.data
}

function malformed(name: string, error: z.ZodError): Fault {
  const problems = describeIssues(error, { between: ': ' })
  const command = mendingCommand(name, new Set(error.issues.map(({ path }) => String(path[0]))))
  const message = `The row "${name}" of proposer_configs is malformed: ${problems}. Correct it with: ${command}`
  return new Fault('config_invalid', message, { proposer: name, problems, command })
}

/** The options of `moose proposer edit` that give a column a value that can be read. */
const MENDS: Readonly<Record<string, string>> = {
  provider: `--kind ${PROPOSER_KINDS.join('|')}`,
  model: '--model ID',
  complexity_threshold: '--threshold 0.5',
  cost_profile: '--input USD --output USD',
  base_url: '--base-url URL',
  key_variable: '--key-variable X_API_KEY',
  context_tokens: '--context TOKENS',
  output_limit_parameter: '--output-limit-parameter NAME',
  answer_form: `--answer-form ${ANSWER_FORMS.join('|')}`,
  extra_headers: '--no-headers',
  extra_body: '--no-body',
}

function mendingCommand(name: string, columns: ReadonlySet<string>): string {
  const options = [...columns].flatMap((column) => {
    const option = MENDS[column]
    return option === undefined ? [] : [option]
  })
  return ['moose proposer edit', asWord(name), ...options].join(' ')
}

/** A name as it has to be typed in a shell. */
export function asWord(name: string): string {
  return /^[\w./:@+][\w./:@+-]*$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`
}

/** For a message, as a sentence. */
export async function knownProposers(db: Kysely<Database>): Promise<string> {
  const rows = await db.selectFrom('proposer_configs').select('name').orderBy('name').execute()
  return `There are: ${rows.length === 0 ? 'none' : rows.map((row) => row.name).join(', ')}.`
}

export async function isProposer(db: Kysely<Database>, name: string): Promise<boolean> {
  const row = await db.selectFrom('proposer_configs').select('name').where('name', '=', name).executeTakeFirst()
  return row !== undefined
}

/** Leaves one proposer to choose: a new one that reads recordings and cannot reach a model. */
export async function useOnlyRecordings(
  db: Kysely<Database>,
  { name, model }: { name: string; model: string },
): Promise<void> {
  await db.updateTable('proposer_configs').set({ active: false }).execute()
  await db
    .insertInto('proposer_configs')
    .values({ name, provider: 'replay', model, complexity_threshold: 1, active: true })
    .execute()
}

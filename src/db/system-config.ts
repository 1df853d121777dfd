import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import {
  KEPT_DAYS,
  MAX_CONCURRENT,
  MAX_WITHIN,
  PAUSE_AFTER_FAILURES,
  POLLING_INTERVAL_MS,
} from '../config/environment.ts'
import type { Config, KeptDays } from '../config.ts'
import { plainWords } from '../contract/plain-words.ts'
import { nameTwice } from '../contract/strict-json.ts'
import { Fault } from '../faults/fault.ts'
import { describeIssues } from '../faults/schema-problems.ts'
import type { Database } from './schema.ts'

type Db = Kysely<Database>

/** The rows that are there, by their keys; the values are texts. */
async function readRows<Key extends string>(db: Db, keys: readonly Key[]): Promise<{ [key in Key]?: string }> {
  const rows = await db.selectFrom('system_config').select(['key', 'value']).where('key', 'in', keys).execute()
  const values: { [key in Key]?: string } = {}
  for (const key of keys) {
    const row = rows.find((one) => one.key === key)
    if (row !== undefined) values[key] = row.value
  }
  return values
}

/** The rows of the specification's 6.2. A row that is absent leaves the environment's value in force. */
export const OrchestratorRows = z.object({
  orchestrator_enabled: z.enum(['true', 'false'], 'is neither true nor false').optional(),
  orchestrator_polling_interval_ms: POLLING_INTERVAL_MS.optional(),
  orchestrator_max_concurrent: MAX_CONCURRENT.optional(),
  orchestrator_max_per_repository: MAX_WITHIN.optional(),
  orchestrator_max_calls_per_provider: MAX_WITHIN.optional(),
  orchestrator_pause_after_failures: PAUSE_AFTER_FAILURES.optional(),
})

/** What may change while the service runs. */
export type Settings = {
  /** False: nothing new is claimed. */
  enabled: boolean
  pollingIntervalMs: number
  /** Attempts at once, over the whole fleet. */
  maxConcurrent: number
  /** Of these, in one repository; null: any number. */
  maxPerRepository: number | null
  /** Orders in a row that fail alike, after which their project or proposer is paused; 0: never. */
  pauseAfterFailures: number
}

/**
 * Reads the settings as they are now.
 *
 * @throws {Fault} `config_invalid` naming the malformed rows
 */
export async function readSettings(
  db: Db,
  defaults: Pick<Config, 'pollingIntervalMs' | 'maxConcurrent' | 'maxPerRepository' | 'pauseAfterFailures'>,
): Promise<Settings> {
  const set = await readOrchestratorRows(db)
  return {
    enabled: set.orchestrator_enabled !== 'false',
    pollingIntervalMs: set.orchestrator_polling_interval_ms ?? defaults.pollingIntervalMs,
    maxConcurrent: set.orchestrator_max_concurrent ?? defaults.maxConcurrent,
    maxPerRepository: set.orchestrator_max_per_repository ?? defaults.maxPerRepository,
    pauseAfterFailures: set.orchestrator_pause_after_failures ?? defaults.pauseAfterFailures,
  }
}

/** As `Settings.pauseAfterFailures`; of a row that cannot be read, which `readSettings` names, what the environment says. */
export async function readPauseAfter(db: Db, defaults: Pick<Config, 'pauseAfterFailures'>): Promise<number> {
  const row = OrchestratorRows.pick({ orchestrator_pause_after_failures: true })
  const read = row.safeParse(await readRows(db, ['orchestrator_pause_after_failures']))
  return read.data?.orchestrator_pause_after_failures ?? defaults.pauseAfterFailures
}

/** How many calls to one provider may be under way as of now; null: any number. @throws {Fault} as `readSettings` */
export async function readMaxCallsPerProvider(
  db: Db,
  defaults: Pick<Config, 'maxCallsPerProvider'>,
): Promise<number | null> {
  return (await readOrchestratorRows(db)).orchestrator_max_calls_per_provider ?? defaults.maxCallsPerProvider
}

function readOrchestratorRows(db: Db): Promise<z.infer<typeof OrchestratorRows>> {
  return readChecked(
    db,
    OrchestratorRows,
    (bad) => `Correct or delete it, e.g. delete from system_config where key = '${bad}';`,
  )
}

/** A row that is absent leaves the environment's value in force. */
export const KeptDaysRows = z.object({
  keep_runs_days: KEPT_DAYS.optional(),
  keep_answers_days: KEPT_DAYS.optional(),
  keep_output_days: KEPT_DAYS.optional(),
  keep_mirrors_days: KEPT_DAYS.optional(),
})

/**
 * For how long things are kept, as `system_config` says now.
 *
 * @throws {Fault} `config_invalid` naming the malformed rows
 */
export async function readKeptDays(db: Db, defaults: KeptDays): Promise<KeptDays> {
  const consequence = 'Correct or delete it; until then nothing old is removed.'
  const set = await readChecked(db, KeptDaysRows, () => consequence)
  return {
    runs: set.keep_runs_days ?? defaults.runs,
    answers: set.keep_answers_days ?? defaults.answers,
    output: set.keep_output_days ?? defaults.output,
    mirrors: set.keep_mirrors_days ?? defaults.mirrors,
  }
}

/**
 * One value a row.
 *
 * @param remedy what to do, as a sentence, by the key of the first row that is malformed
 */
async function readChecked<Shape extends z.ZodRawShape>(
  db: Db,
  schema: z.ZodObject<Shape>,
  remedy: (bad: string) => string,
): Promise<z.infer<z.ZodObject<Shape>>> {
  const parsed = schema.safeParse(await readRows(db, Object.keys(schema.shape)), { error: plainWords })
  if (parsed.success) return parsed.data
  const problems = describeIssues(parsed.error)
  const bad = String(parsed.error.issues[0]?.path.join('.'))
  throw new Fault('config_invalid', `Bad row in system_config: ${problems}. ${remedy(bad)}`, { problems })
}

/** What a row of JSON has to be, and what follows from one that cannot be read, as a sentence. */
export type JsonSetting<Value> = { schema: z.ZodType<Value>; consequence: string }

/**
 * A row whose value is JSON; one that is absent is an empty object.
 *
 * @throws {Fault} `config_invalid` naming the row and every field that is wrong
 */
export async function readJsonSetting<Value>(db: Db, key: string, setting: JsonSetting<Value>): Promise<Value> {
  return parseJson(key, (await readRows(db, [key]))[key], setting)
}

/**
 * Whether everything is stopped, and the limits of the budget, which are parsed when they are asked for: those that cannot be
 * read must not keep a stop from being seen. `limits` throws as `readJsonSetting` does.
 */
export async function readBudgetSettings<Limits>(
  db: Db,
  limits: JsonSetting<Limits>,
): Promise<{ limits: () => Limits; stopped: boolean }> {
  const rows = await readRows(db, ['budget_limits', 'emergency_stop'])
  return {
    limits: () => parseJson('budget_limits', rows.budget_limits, limits),
    // Anything but `false` stops: a value that was mistyped was meant to stop something.
    stopped: rows.emergency_stop !== undefined && rows.emergency_stop !== 'false',
  }
}

function parseJson<Value>(key: string, text: string | undefined, { schema, consequence }: JsonSetting<Value>): Value {
  const refuse = (problems: string, cause?: unknown) =>
    new Fault(
      'config_invalid',
      `Bad row ${key} in system_config: ${problems}. ${consequence}`,
      { key, problems },
      cause,
    )
  const parsed = schema.safeParse(text === undefined ? {} : jsonOf(text, refuse), { error: plainWords })
  if (parsed.success) return parsed.data
  throw refuse(describeIssues(parsed.error))
}

function jsonOf(text: string, refuse: (problems: string, cause: unknown) => Fault): unknown {
  try {
    const value: unknown = JSON.parse(text)
    const name = nameTwice(text)
    if (name === null) return value
    throw refuse(`it names ${JSON.stringify(name)} twice`, null)
  } catch (error) {
    if (error instanceof Fault) throw error
    throw refuse('it is not JSON', error)
  }
}

/** Sets one limit and leaves what else the row says. @param usd as a decimal; null: no such limit */
export async function setBudgetLimit(db: Db, name: string, usd: string | null): Promise<void> {
  await sql`
    insert into system_config (key, value) values ('budget_limits', ${JSON.stringify({ [name]: usd })})
    on conflict (key) do update set
      value = (system_config.value::jsonb || excluded.value::jsonb)::text, updated_at = clock_timestamp()
  `.execute(db)
}

/**
 * Sets how many attempts may run at once, in each field that is there; null: the row is removed, and the environment counts.
 *
 * @returns the settings then
 * @throws {Fault} as `readSettings`; then nothing is changed
 */
export async function setPlaces(
  db: Db,
  places: { max_concurrent?: number | null | undefined; max_per_repository?: number | null | undefined },
  defaults: Parameters<typeof readSettings>[1],
): Promise<Settings> {
  return db.transaction().execute(async (transaction) => {
    for (const [name, value] of Object.entries(places)) {
      const key = `orchestrator_${name}`
      if (value === null) await transaction.deleteFrom('system_config').where('key', '=', key).execute()
      if (typeof value === 'number') await setRow(transaction, key, String(value))
    }
    return readSettings(transaction, defaults)
  })
}

async function setRow(db: Db, key: string, value: string): Promise<void> {
  await sql`
    insert into system_config (key, value) values (${key}, ${value})
    on conflict (key) do update set value = excluded.value, updated_at = clock_timestamp()
  `.execute(db)
}

/** Stops every model call of every process, or allows them again. */
export async function setEmergencyStop(db: Db, stopped: boolean): Promise<void> {
  await setRow(db, 'emergency_stop', String(stopped))
}

/** Has every process look at its settings again, as a changed row does. */
export async function notifyConfig(db: Db): Promise<void> {
  await sql`select pg_notify('moose_config', '')`.execute(db)
}

import type { Kysely } from 'kysely'
import { listProposers, type ProposerConfig } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { type Pausing, proposerPaused } from '../db/work-orders/failure-rows.ts'
import { Fault } from '../faults/fault.ts'
import { whyPaused } from '../models/provider-pause.ts'
import type { Usd } from '../money.ts'
import type { RoutingRequest } from '../ports/routing.ts'
import { byCost, type Candidate } from './static-rule.ts'

/** Knows which proposers can be called here, and what they charge. */
export type PricedModels = {
  /** Null: calls may work. */
  whyUnavailable(proposer: ProposerConfig): Fault | null
  /** Null when the price is unknown. */
  costOf(proposer: ProposerConfig, usage: { input: number; output: number }): Usd | null
  /** What a first call reserves. */
  worstCaseOf(proposer: ProposerConfig, promptBytes: number): Usd | null
}

/** The proposers that could do an order, and why the others cannot. */
export type Candidates = {
  /** Cheapest first. */
  proposers: [Candidate, ...Candidate[]]
  /** What a first call of each reserves, by name. */
  worstCases: ReadonlyMap<string, Usd>
  /** Of the candidates whose provider is paused: why, by name. */
  pauses: ReadonlyMap<string, Fault>
  excluded: { proposer: string; reason: string }[]
}

const BYTES_PER_TOKEN = 4

/**
 * Looks at `proposer_configs` as it is at this moment.
 *
 * @param paused those that orders in a row have failed with alike
 * @throws {Fault} those of `candidatesAmong`; `config_invalid` when every active row is malformed
 */
export async function readCandidates(
  db: Kysely<Database>,
  request: RoutingRequest,
  models: PricedModels,
  paused: Pausing['proposers'],
): Promise<Candidates> {
  const configs = await usableProposers(db)
  const callable = configs.filter((config) => whyExcluded(config, models) === null)
  return candidatesAmong(configs, await readPauses(db, callable, paused), { request, models })
}

/**
 * The candidates among these proposers for one order.
 *
 * @throws {Fault} `no_able_proposer` with the reason of each; `price_unknown` when one could, was its price known
 */
export function candidatesAmong(
  configs: readonly ProposerConfig[],
  pauses: Candidates['pauses'],
  { request, models }: { request: RoutingRequest; models: PricedModels },
): Candidates {
  const whyNot = new Map(configs.map((config) => [config.name, whyExcluded(config, models)]))
  const callable = configs.filter(({ name }) => whyNot.get(name) === null)
  const usage = expectedUsage(request)
  const promptBytes = usage.input * BYTES_PER_TOKEN
  const [first, ...rest] = callable
    .map((config) => ({
      name: config.name,
      complexityThreshold: config.complexityThreshold,
      expectedCostUsd: numberOf(models.costOf(config, usage)),
    }))
    .sort(byCost)
  if (first === undefined) throw noneAble(configs, models)
  return {
    proposers: [first, ...rest],
    worstCases: new Map(callable.flatMap((config) => entry(config, models.worstCaseOf(config, promptBytes)))),
    pauses,
    excluded: [...whyNot].flatMap(([proposer, reason]) => (reason === null ? [] : [{ proposer, reason }])),
  }
}

/**
 * The rows of `proposer_configs` that are well formed; doctor shows the others.
 *
 * @throws {Fault} `config_invalid` for a malformed row where no other row is active
 */
export async function usableProposers(db: Kysely<Database>): Promise<ProposerConfig[]> {
  const { proposers, malformed } = await listProposers(db)
  const [fault] = malformed
  if (fault !== undefined && !proposers.some(({ active }) => active)) throw fault
  return proposers
}

/** Null: it can be called. Completes a sentence that begins with its name. */
export function whyExcluded(config: ProposerConfig, models: Pick<PricedModels, 'whyUnavailable'>): string | null {
  if (!config.active) return 'is not active'
  const fault = models.whyUnavailable(config)
  return fault === null ? null : `is not available: ${fault.details['reason']}`
}

async function readPauses(
  db: Kysely<Database>,
  configs: readonly ProposerConfig[],
  paused: Pausing['proposers'],
): Promise<Map<string, Fault>> {
  const pauses = new Map<string, Fault>()
  for (const config of configs) {
    const row = paused.get(config.name)
    const fault = row === undefined ? await whyPaused(db, config) : proposerPaused(row)
    if (fault !== null) pauses.set(config.name, fault)
  }
  return pauses
}

function noneAble(configs: readonly ProposerConfig[], models: Pick<PricedModels, 'whyUnavailable'>): Fault {
  for (const config of configs.filter(({ active }) => active)) {
    const fault = models.whyUnavailable(config)
    if (fault?.code === 'price_unknown') return fault
  }
  const reasons = configs.map((config) => `${config.name} ${whyExcluded(config, models)}`)
  const why = reasons.length === 0 ? 'proposer_configs is empty' : reasons.join('; ')
  const message = `No proposer can take the order: ${why}. Set a key, add a proposer (moose proposer add) or give one orders again (moose proposer resume), then retry the order.`
  return new Fault('no_able_proposer', message, { configured: configs.length, why })
}

function entry({ name }: ProposerConfig, amount: Usd | null): [string, Usd][] {
  return amount === null ? [] : [[name, amount]]
}

/** For estimates; what is really paid is never a number. */
function numberOf(amount: Usd | null): number | null {
  return amount === null ? null : amount.toNumber()
}

/** Instructions, edit format and the list of files. */
const PROMPT_TOKENS = 2_500
/** A source file of 8 KB. */
const TOKENS_PER_FILE = 2_000
/** The edits to one file. */
const ANSWER_TOKENS_PER_FILE = 700
const CHARACTERS_PER_TOKEN = 4

/**
 * What one proposal is expected to use, in tokens: enough to compare prices and to tell a cent from a dollar. The
 * Manager sees no file contents, so that every file in scope counts the same.
 */
export function expectedUsage({ task_description: task, context_requirements: files }: RoutingRequest): {
  input: number
  output: number
} {
  const count = Math.max(1, files.length)
  return {
    input: PROMPT_TOKENS + Math.ceil(task.length / CHARACTERS_PER_TOKEN) + count * TOKENS_PER_FILE,
    output: count * ANSWER_TOKENS_PER_FILE,
  }
}

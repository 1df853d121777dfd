import type { OpenAICompatibleProviderSettings } from '@ai-sdk/openai-compatible'
import { z } from 'zod'
import { Usd } from '../../money.ts'

type ConvertUsage = NonNullable<OpenAICompatibleProviderSettings['convertUsage']>

/** As it came, for `statedCost`. */
const Raw = z.record(z.string(), z.json())

function rawOf(usage: unknown) {
  const raw = Raw.safeParse(usage)
  return raw.success ? { raw: raw.data } : {}
}

const Counts = z.record(z.string(), z.unknown())

/** A name as every server's spelling of it: `cacheReadInputTokens` and `cache_read_input_tokens` are one. */
const plain = (name: string): string => name.replace(/[_-]/g, '').toLowerCase()

const PROMPT = ['prompttokens', 'inputtokens']
const COMPLETION = ['completiontokens', 'outputtokens']
const TOTAL = ['totaltokens']
/** Objects that hold details of the prompt. */
const PROMPT_DETAILS = /^(?:prompt|input)tokens?details$/
const NOT_READ = /miss|audio|image|video|storage/
/** A count of tokens of a cache, unless it says what kind of token, or that the cache did not have them. */
const isOfCache = ({ name }: Named): boolean => name.includes('cache') && name.includes('token') && !NOT_READ.test(name)
const WRITTEN = /creat|writ/
/** Anthropic's own names, whose counts may be no part of the prompt. */
const MAYBE_BESIDE = /^cache(?:read|creation|write)inputtokens$/

/**
 * Counts what a server that speaks Chat Completions will charge. OpenAI counts reasoning within `completion_tokens`;
 * xAI counts it beside them, and Gemini's endpoint leaves it out of everything but `total_tokens`. Cached input has many
 * names, which are told by what they say; it is a part of `prompt_tokens`, but where Anthropic's own names are used it may
 * stand beside them, which the total shows.
 *
 * @returns every count undefined when the server reports none
 * @see https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage
 * @see https://docs.x.ai/docs/key-information/consumption-and-rate-limits
 * @see https://openrouter.ai/docs/use-cases/usage-accounting
 * @see https://api-docs.deepseek.com/guides/kv_cache (prompt_cache_hit_tokens)
 * @see https://platform.moonshot.ai/docs/api/chat (cached_tokens)
 * @see https://docs.litellm.ai/docs/completion/prompt_caching (cache_read_input_tokens)
 */
export const chatUsage: ConvertUsage = (usage) => {
  const counts = numbersIn(usage)
  const prompt = namedIn(counts, PROMPT)
  const said = namedIn(counts, COMPLETION)
  const total = namedIn(counts, TOTAL)
  const reasoning = known(usage?.completion_tokens_details?.reasoning_tokens)
  const { cacheRead, cacheWrite, beside } = cacheCounts(usage)
  const isBeside = prompt !== undefined && beside > 0 && isCountedBeside({ prompt, beside, total, said })
  const input = isBeside ? prompt + beside : prompt
  const output = outputOf(said, reasoning, restOf(total, input))
  return {
    inputTokens: { total: input, noCache: undefined, cacheRead, cacheWrite },
    outputTokens: { total: output, text: undefined, reasoning },
    ...rawOf(usage),
  }
}

type Named = { name: string; count: number }

/** The numbers of a usage or of a part of it, with their plain names. */
function numbersIn(value: unknown): Named[] {
  return entriesOf(value).flatMap(([name, count]) => (typeof count === 'number' ? [{ name, count }] : []))
}

function entriesOf(value: unknown): [string, unknown][] {
  const parsed = Counts.safeParse(value)
  return parsed.success ? Object.entries(parsed.data).map(([name, entry]) => [plain(name), entry]) : []
}

function namedIn(counts: readonly Named[], names: readonly string[]): number | undefined {
  return firstKnown(...names.map((wanted) => counts.find(({ name }) => name === wanted)?.count))
}

/** `beside`: of both, what has Anthropic's names and so may be no part of the prompt. */
function cacheCounts(usage: unknown): { cacheRead?: number; cacheWrite?: number; beside: number } {
  const details = entriesOf(usage).flatMap(([name, entry]) => (PROMPT_DETAILS.test(name) ? [entry] : []))
  const own = numbersIn(usage).filter(isOfCache)
  const all = [...details.flatMap(numbersIn).filter(isOfCache), ...own]
  const cacheRead = firstKnown(...all.filter(({ name }) => !WRITTEN.test(name)).map(({ count }) => count))
  const written = all.filter(({ name }) => WRITTEN.test(name)).map(({ count }) => count)
  const cacheWrite = firstKnown(...written, ...[usage, ...details].map(writtenByAge))
  return {
    ...(cacheRead === undefined ? {} : { cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWrite }),
    beside: own.reduce((sum, { name, count }) => sum + (MAYBE_BESIDE.test(name) ? count : 0), 0),
  }
}

/** Of what was written for five minutes and for an hour the sum, where a server counts them apart. */
function writtenByAge(value: unknown): number | undefined {
  const parts = entriesOf(value).flatMap(([name, entry]) => (name === 'cachecreation' ? numbersIn(entry) : []))
  return parts.length === 0 ? undefined : parts.reduce((sum, { count }) => sum + count, 0)
}

type Counted = {
  prompt: number
  beside: number
  total: number | undefined
  said: number | undefined
}

/** More cached than the prompt has, or a total that holds both. */
function isCountedBeside({ prompt, beside, total, said }: Counted): boolean {
  if (beside > prompt) return true
  return total !== undefined && said !== undefined && total >= prompt + beside + said
}

/** A zero elsewhere says nothing against a count here: servers fill fields of several dialects. */
function firstKnown(...counts: (number | undefined)[]): number | undefined {
  const numbers = counts.filter((count) => count !== undefined)
  const found = numbers.find((count) => count !== 0)
  return found === undefined ? numbers[0] : found
}

/** What is left of the total for the output; undefined when there is no total. */
function restOf(total: number | undefined, input: number | undefined): number | undefined {
  return total !== undefined && input !== undefined ? total - input : undefined
}

/** Reasoning that is more than the whole output, or that only the total holds, was not counted within it. */
function outputOf(said: number | undefined, reasoning = 0, rest = 0): number | undefined {
  if (said === undefined) return undefined
  return Math.max(reasoning > said ? said + reasoning : said, rest)
}

function known(tokens: number | null | undefined): number | undefined {
  return tokens === null ? undefined : tokens
}

const MOST_USD = 1e6
const Amount = z.number().min(0).max(MOST_USD)
const Charged = z.looseObject({
  cost: Amount,
  /** True: the model's own provider charges the operator beside OpenRouter. */
  is_byok: z.boolean().optional(),
  cost_details: z.looseObject({ upstream_inference_cost: Amount.nullish() }).optional(),
})

/**
 * What a call has cost as OpenRouter states it, in USD; null for any other usage. It is known by its shape: other servers
 * have a `cost` of another unit, and none of these fields beside it.
 *
 * @see https://openrouter.ai/docs/use-cases/usage-accounting
 */
export function statedCost(usage: unknown): Usd | null {
  const parsed = Charged.safeParse(usage)
  if (!parsed.success) return null
  const { cost, is_byok: isOwnKey, cost_details: details } = parsed.data
  if (isOwnKey === undefined && details === undefined) return null
  const upstream = details?.upstream_inference_cost
  const beside = isOwnKey === true && typeof upstream === 'number' ? upstream : 0
  return new Usd(String(cost)).plus(String(beside))
}

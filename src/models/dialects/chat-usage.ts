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

const Count = z.number().nullish().catch(null)

/** Every place in which a server that speaks Chat Completions counts what it has read from its cache or written there. */
const CacheCounts = z.looseObject({
  prompt_tokens_details: z
    .looseObject({ cached_tokens: Count, cache_write_tokens: Count, cache_creation_tokens: Count })
    .nullish()
    .catch(null),
  prompt_cache_hit_tokens: Count,
  cached_tokens: Count,
  cache_read_input_tokens: Count,
  cache_creation_input_tokens: Count,
})

/**
 * Counts what a server that speaks Chat Completions will charge. OpenAI counts reasoning within `completion_tokens`;
 * xAI counts it beside them, and Gemini's endpoint leaves it out of everything but `total_tokens`. Cached input is a part
 * of `prompt_tokens`, but where Anthropic's own names are used it may stand beside them, which the total shows.
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
  const prompt = known(usage?.prompt_tokens)
  const said = known(usage?.completion_tokens)
  const reasoning = known(usage?.completion_tokens_details?.reasoning_tokens)
  const { cacheRead, cacheWrite, beside } = cacheCounts(usage)
  const isBeside = prompt !== undefined && beside > 0 && isCountedBeside({ ...usage, prompt, beside })
  const input = isBeside ? prompt + beside : prompt
  const output = outputOf(said, reasoning, restOf(usage?.total_tokens, input))
  return {
    inputTokens: { total: input, noCache: undefined, cacheRead, cacheWrite },
    outputTokens: { total: output, text: undefined, reasoning },
    ...rawOf(usage),
  }
}

/** `beside`: of both, what has Anthropic's names and so may be no part of the prompt. */
function cacheCounts(usage: unknown): { cacheRead?: number; cacheWrite?: number; beside: number } {
  const parsed = CacheCounts.safeParse(usage)
  if (!parsed.success) return { beside: 0 }
  const { prompt_tokens_details: details, ...counts } = parsed.data
  const cacheRead = firstKnown(
    details?.cached_tokens,
    counts.prompt_cache_hit_tokens,
    counts.cached_tokens,
    counts.cache_read_input_tokens,
  )
  const cacheWrite = firstKnown(
    details?.cache_write_tokens,
    details?.cache_creation_tokens,
    counts.cache_creation_input_tokens,
  )
  const own = [counts.cache_read_input_tokens, counts.cache_creation_input_tokens].map((count) => known(count))
  return {
    ...(cacheRead === undefined ? {} : { cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWrite }),
    beside: own.reduce<number>((sum, count) => sum + (count === undefined ? 0 : count), 0),
  }
}

type Counted = {
  prompt: number
  beside: number
  total_tokens?: number | null | undefined
  completion_tokens?: number | null | undefined
}

/** More cached than the prompt has, or a total that holds both. */
function isCountedBeside({ prompt, beside, total_tokens: total, completion_tokens: completion }: Counted): boolean {
  if (beside > prompt) return true
  return typeof total === 'number' && typeof completion === 'number' && total >= prompt + beside + completion
}

/** A zero elsewhere says nothing against a count here: servers fill fields of several dialects. */
function firstKnown(...counts: (number | null | undefined)[]): number | undefined {
  const numbers = counts.filter((count) => typeof count === 'number')
  const found = numbers.find((count) => count !== 0)
  return found === undefined ? numbers[0] : found
}

/** What is left of the total for the output; undefined when there is no total. */
function restOf(total: number | null | undefined, input: number | undefined): number | undefined {
  return typeof total === 'number' && input !== undefined ? total - input : undefined
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

import { calcPrice, type ModelPrice, type PriceCalculationResult } from '@pydantic/genai-prices'
import packageJson from '../../package.json' with { type: 'json' }
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { NO_USD, Usd } from '../money.ts'
import { type ModelCall, type PricedUsage, promptBytesOf } from './model-answer.ts'

const MILLION = 1_000_000
const TOKENS_PER_MESSAGE = 16
const TOKENS_PER_REQUEST = 512

/** What a model costs: exact, complete, and JSON, so that it can be stored with the call. */
export type Price = { source: 'operator' | 'library' | 'free'; rates: TieredRates }

/**
 * What calls to a proposer cost: as the operator states it in `proposer_configs`, else by the bundled price library.
 * Recordings cost nothing.
 *
 * @param at see `libraryRates`
 * @returns null when the price of the model is unknown
 */
export function priceOf(proposer: ProposerConfig, at: Date): Price | null {
  const { price, provider } = proposer
  if (provider === 'replay' || price === 'free') return { source: 'free', rates: flatRates('0', '0') }
  if (price === null) {
    const rates = libraryRates(proposer, at)
    return rates === null ? null : { source: 'library', rates }
  }
  const { inputPerMillion, outputPerMillion, cacheReadPerMillion, cacheWritePerMillion } = price
  const rates = flatRates(inputPerMillion, outputPerMillion)
  if (cacheReadPerMillion !== undefined) rates.cacheRead = cacheReadPerMillion
  if (cacheWritePerMillion !== undefined) rates.cacheWrite = cacheWritePerMillion
  return { source: 'operator', rates }
}

/** The library prices come from, with its version: they are those of its release. */
export const PRICE_LIBRARY = `genai-prices ${packageJson.dependencies['@pydantic/genai-prices']}`

/** Since when a model costs what the library lists for it now; null: it says no day, or does not know the model. */
export function listedSince(proposer: ProposerConfig, at: Date): Date | null {
  const found = listedPrice(proposer, at)
  if (found === null || !Array.isArray(found.model.prices)) return null
  const constraint = found.model.prices.find(({ prices }) => prices === found.model_price)?.constraint
  return constraint?.type === 'start_date' ? new Date(constraint.start_date) : null
}

function flatRates(input: string, output: string): TieredRates {
  return { input, cacheRead: input, cacheWrite: input, output, reasoning: output, request: '0', tiers: [] }
}

/**
 * What a use costs, exactly. Cached input is a part of the input and reasoning a part of the output; every token is
 * charged once, at its own rate.
 */
export function costOf(price: Price, usage: PricedUsage): Usd {
  const rates = price.rates.tiers.reduce<Rates>((found, tier) => (usage.input > tier.above ? tier : found), price.rates)
  return Usd.sum(
    perMillion(rates.input, usage.input - usage.cacheRead - usage.cacheWrite),
    perMillion(rates.cacheRead, usage.cacheRead),
    perMillion(rates.cacheWrite, usage.cacheWrite),
    perMillion(rates.output, usage.output - usage.reasoning),
    perMillion(rates.reasoning, usage.reasoning),
    rates.request,
  )
}

/**
 * The most a call can cost: all input at the dearest of its rates, all the output that is allowed, in the dearest tier
 * that can be reached. It holds as long as
 *
 * - a token is at least one byte of the prompt, as with every byte-level tokenizer (tiktoken, and what open models use).
 *   One that first rewrites the text so that it grows could make more of characters that no program text has;
 * - a message costs at most 16 tokens beside its text (OpenAI's take 3 to 4), and a server adds at most 512 of its own to
 *   a request. What Anthropic adds it does not charge;
 * - the limit on the output holds reasoning too: `max_tokens` of Anthropic, `max_output_tokens` of OpenAI's Responses and
 *   `max_tokens` of Chat Completions are such limits. A compatible server that thinks beyond it charges more.
 *
 * @param promptBytes of all messages' texts, in UTF-8
 * @see https://github.com/openai/tiktoken#what-is-bpe-anyway
 * @see https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
 * @see https://docs.anthropic.com/en/docs/build-with-claude/token-counting
 * @see https://docs.anthropic.com/en/docs/about-claude/models/extended-thinking-models (max_tokens is strict)
 * @see https://platform.openai.com/docs/guides/reasoning (max_output_tokens)
 */
export function worstCaseOf(
  price: Price,
  { promptBytes, messages, maxOutputTokens }: { promptBytes: number; messages: number; maxOutputTokens: number },
): Usd {
  const input = promptBytes + messages * TOKENS_PER_MESSAGE + TOKENS_PER_REQUEST
  const reachable = [price.rates, ...price.rates.tiers.filter(({ above }) => input > above)]
  const dearest = (...kinds: (keyof Rates)[]) =>
    Usd.max(...reachable.flatMap((rates) => kinds.map((kind) => rates[kind])))
  return Usd.sum(
    perMillion(dearest('input', 'cacheRead', 'cacheWrite'), input),
    perMillion(dearest('output', 'reasoning'), maxOutputTokens),
    dearest('request'),
  )
}

/** The most that a call can cost, which is what it reserves. */
export function worstCaseOfCall(
  price: Price,
  { maxOutputTokens, ...asked }: Pick<ModelCall, 'messages' | 'offersTools' | 'maxOutputTokens'>,
): Usd {
  return worstCaseOf(price, { promptBytes: promptBytesOf(asked), messages: asked.messages.length, maxOutputTokens })
}

/**
 * Whether it is known that reading from a cache is cheaper than input, and what writing costs beside it. A rate of writing
 * that is the same as of input is one that was not stated: where marks are sent, writing costs more.
 */
export function rewardsCaching({ rates }: Price): boolean {
  const { input, cacheRead, cacheWrite } = rates
  return new Usd(cacheRead).lessThan(input) && new Usd(cacheWrite).greaterThan(input)
}

function perMillion(rate: string | Usd, tokens: number): Usd {
  return new Usd(rate).times(tokens).dividedBy(MILLION)
}

/**
 * USD as decimal strings: per million tokens, and `request` per call. Complete: what is not priced apart has the rate
 * of what it is a part of.
 */
export type Rates = {
  input: string
  cacheRead: string
  cacheWrite: string
  output: string
  reasoning: string
  request: string
}

/** The last of `tiers` (ascending) whose `above` is below the whole input of a request gives all of its rates. */
export type TieredRates = Rates & { tiers: (Rates & { above: number })[] }

/** The library counts what is not tokens by the thousand. */
const REQUESTS_PER_RATE = 1_000

/**
 * What the bundled price library lists for a proposer's model.
 *
 * @param at some models are cheaper at some hours, and prices change on a date
 * @returns null when the model is not listed, or not with both an input and an output rate: an empty entry may mean
 *   free, not sold any more, or not sold by the token
 * @see https://github.com/pydantic/genai-prices
 */
function libraryRates(proposer: ProposerConfig, at: Date): TieredRates | null {
  const found = listedPrice(proposer, at)
  if (found === null) return null
  const listed = found.model_price
  const base = ratesFor(listed, 0)
  if (base === null) return null
  const tiers = startsOf(listed).flatMap((above) => {
    const rates = ratesFor(listed, above + 1)
    return rates === null ? [] : [{ above, ...rates }]
  })
  return { ...base, tiers }
}

function listedPrice({ provider, model, baseUrl }: ProposerConfig, at: Date): PriceCalculationResult {
  const soldBy = provider === 'openai-compatible' ? { providerApiUrl: String(baseUrl) } : { providerId: provider }
  return calcPrice({}, model, { ...soldBy, timestamp: at })
}

/** Every input size above which some rate is another one, ascending. */
function startsOf(listed: ModelPrice): number[] {
  const starts = Object.values(listed).flatMap((rate) => (typeof rate === 'object' ? rate.tiers : []))
  return [...new Set(starts.map(({ start }) => start))].toSorted((a, b) => a - b)
}

function ratesFor(listed: ModelPrice, inputTokens: number): Rates | null {
  const input = rateOf(listed, 'input_mtok', inputTokens)
  const output = rateOf(listed, 'output_mtok', inputTokens)
  if (input === null || output === null) return null
  const rateOr = (key: string, instead: Usd) => {
    const rate = rateOf(listed, key, inputTokens)
    return rate === null ? instead : rate
  }
  return {
    input: input.toFixed(),
    cacheRead: rateOr('cache_read_mtok', input).toFixed(),
    cacheWrite: rateOr('cache_write_mtok', input).toFixed(),
    output: output.toFixed(),
    reasoning: rateOr('output_reasoning_mtok', output).toFixed(),
    request: rateOr('requests_kcount', NO_USD).dividedBy(REQUESTS_PER_RATE).toFixed(),
  }
}

/** The library's numbers are decimals in the shortest form that is read back the same, so their text is exact. */
function rateOf(listed: ModelPrice, key: string, inputTokens: number): Usd | null {
  const rate = listed[key]
  if (rate === undefined) return null
  if (typeof rate === 'number') return new Usd(String(rate))
  const reached = rate.tiers.filter(({ start }) => inputTokens > start).toSorted((a, b) => a.start - b.start)
  const tier = reached.at(-1)
  return new Usd(String(tier === undefined ? rate.base : tier.price))
}

import { calcPrice, type ModelPrice } from '@pydantic/genai-prices'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { NO_USD, Usd } from '../money.ts'

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
export function libraryRates({ provider, model, baseUrl }: ProposerConfig, at: Date): TieredRates | null {
  const soldBy = provider === 'openai-compatible' ? { providerApiUrl: String(baseUrl) } : { providerId: provider }
  const found = calcPrice({}, model, { ...soldBy, timestamp: at })
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

import type { ProposerConfig } from '../db/proposer-configs.ts'
import { Usd } from '../money.ts'
import { libraryRates, type Rates, type TieredRates } from './library-rates.ts'
import type { PricedUsage } from './model-answer.ts'

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
 * @returns null when nobody knows the price of the model
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

function perMillion(rate: string | Usd, tokens: number): Usd {
  return new Usd(rate).times(tokens).dividedBy(MILLION)
}

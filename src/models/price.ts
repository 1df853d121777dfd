import { calcPrice } from '@pydantic/genai-prices'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import type { PricedUsage } from './model-answer.ts'

const MILLION = 1_000_000

/**
 * What a use of a model costs in USD: by the price the operator states in `proposer_configs`, else by the bundled
 * price library. Recordings cost nothing.
 *
 * @returns null when nobody knows the price of the model
 * @see https://github.com/pydantic/genai-prices
 */
export function costOf(proposer: ProposerConfig, usage: PricedUsage): number | null {
  if (proposer.provider === 'replay') return 0
  if (proposer.price !== null) {
    const { inputPerMillion, outputPerMillion } = proposer.price
    return (usage.input * inputPerMillion + usage.output * outputPerMillion) / MILLION
  }
  return libraryPrice(proposer, usage)
}

function libraryPrice(proposer: ProposerConfig, usage: PricedUsage): number | null {
  const tokens = {
    input_tokens: usage.input,
    output_tokens: usage.output,
    cache_read_tokens: usage.cacheRead,
    cache_write_tokens: usage.cacheWrite,
  }
  const price = calcPrice(tokens, proposer.model, soldBy(proposer))
  return price === null ? null : price.total_price
}

function soldBy(proposer: ProposerConfig): { providerId: string } | { providerApiUrl: string } {
  if (proposer.provider !== 'openai-compatible') return { providerId: proposer.provider }
  return { providerApiUrl: String(proposer.baseUrl) }
}

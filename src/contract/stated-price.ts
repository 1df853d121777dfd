/** What may be said of a price: the keys of `proposer_configs.cost_profile`; its other keys belong to other programs. */
export const PRICE_KEYS = [
  'free',
  'input_per_million',
  'output_per_million',
  'cache_read_per_million',
  'cache_write_per_million',
] as const

type StatedPrice = { [Key in (typeof PRICE_KEYS)[number]]?: unknown }

/**
 * Why a price cannot be meant as it is stated: it is free and has rates; one of the rates of input and output stands
 * alone; or those of the cache do.
 */
export type PriceContradiction = 'free_with_rates' | 'input_missing' | 'output_missing' | 'only_cache'

/** Null: there is none. */
export function contradictionOf(price: StatedPrice): PriceContradiction | null {
  const { free, input_per_million: input, output_per_million: output, ...cache } = price
  const isInput = input !== undefined
  const isOutput = output !== undefined
  const isCache = cache.cache_read_per_million !== undefined || cache.cache_write_per_million !== undefined
  if (free === true && (isInput || isOutput || isCache)) return 'free_with_rates'
  if (isInput) return isOutput ? null : 'output_missing'
  if (isOutput) return 'input_missing'
  return isCache ? 'only_cache' : null
}

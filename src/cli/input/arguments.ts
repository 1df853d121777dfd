import { InvalidArgumentError } from 'commander'
import { UsdAmount } from '../../contract/amounts.ts'

/** A whole number from 1 to `most`, as the value of an option. */
export function countUpTo(most: number): (text: string) => number {
  return (text) => {
    const count = Number(text)
    if (/^\d+$/.test(text) && count >= 1 && count <= most) return count
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}.`)
  }
}

/** The same, or `none`. */
export function countUpToOrNone(most: number): (text: string) => number | 'none' {
  return (text) => {
    const count = Number(text)
    if (text === 'none' || (/^\d+$/.test(text) && count >= 1 && count <= most)) return text === 'none' ? text : count
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}, or none.`)
  }
}

/** A text of at least one character, and at most so many, as the value of an option. */
export function textUpTo(most: number): (text: string) => string {
  return (text) => {
    if (text !== '' && text.length <= most) return text
    throw new InvalidArgumentError(`It must have 1 to ${most} characters.`)
  }
}

/** An amount as it is typed, `2.50` or `$2.50`; it stays text, so that no digit is lost. */
export function usdArgument(text: string): string {
  const amount = text.replace(/^\$/, '')
  if (UsdAmount.safeParse(amount).success) return amount
  throw new InvalidArgumentError('It must be an amount in USD, 0 or more, such as 2.50.')
}

/** The same, or `none`: commander takes a null of an option for an empty text. */
export function usdOrNone(text: string): string {
  return text === 'none' ? text : usdArgument(text)
}

/** What is typed as `none`, as the API wants it. */
export function nullForNone(text: string): string | null {
  return text === 'none' ? null : text
}

/** The options that state a price; USD per million tokens. */
export type RateOptions = { input?: string; output?: string; cacheRead?: string; cacheWrite?: string }

/** Those that are given, by the names the API has for them. */
export function ratesOf({ input, output, cacheRead, cacheWrite }: RateOptions): [name: string, usd: string][] {
  const rates = {
    input_per_million: input,
    output_per_million: output,
    cache_read_per_million: cacheRead,
    cache_write_per_million: cacheWrite,
  }
  return Object.entries(rates).flatMap(([name, usd]) => (usd === undefined ? [] : [[name, usd]]))
}

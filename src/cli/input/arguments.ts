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

/** What {@link usdOrNone} gave, as the API wants it. */
export function nullForNone(amount: string): string | null {
  return amount === 'none' ? null : amount
}

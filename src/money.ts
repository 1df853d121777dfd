import { Decimal } from 'decimal.js'

/**
 * US dollars as an exact decimal. Forty digits hold any sum of any ledger without rounding, and prices per token of any
 * model: money is never a binary float.
 *
 * @see https://mikemcl.github.io/decimal.js/
 */
export const Usd = Decimal.clone({ precision: 40, toExpNeg: -40, toExpPos: 40 })
export type Usd = Decimal

export const NO_USD = new Usd(0)

/** More decimals than any price has. */
const MOST_DECIMALS = 12

/** USD as a request states them; the digits of a binary float beyond those that count are dropped. */
export function statedUsd(amount: number | string): Usd {
  return new Usd(String(amount)).toDecimalPlaces(MOST_DECIMALS)
}

/** Decimals of an amount below a dollar that is not one of whole cents: at least so many. */
const LEAST_DECIMALS = 4

/** For people: `$1.23`, with four decimals, or more, where two would hide some of less than a dollar: `$0.0042`, `$0.0210`. */
export function shownUsd(amount: Usd): string {
  const cents = amount.toDecimalPlaces(2)
  if (amount.equals(cents) || amount.abs().greaterThanOrEqualTo(1)) return `$${amount.toFixed(2)}`
  const short = amount.toSignificantDigits(4, Decimal.ROUND_UP)
  return `$${short.toFixed(Math.max(LEAST_DECIMALS, short.decimalPlaces()))}`
}

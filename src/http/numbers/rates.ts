import { ENOUGH, type ProposerCompared, type Rate, type VERDICTS } from '../../contract/numbers.ts'
import { Usd } from '../../money.ts'

/** Two-sided, 95 %. */
const Z = 1.959_963_984_540_054

/**
 * The part that `count` is of `of`, with the interval of Wilson: it holds for few and for rates near 0 and 1, where the usual one
 * does not.
 *
 * @see https://www.itl.nist.gov/div898/handbook/prc/section2/prc241.htm
 */
export function rateOf(count: number, of: number): Rate {
  if (of === 0) return { count, of, rate: null, low: null, high: null, enough: false }
  const rate = count / of
  const shrink = 1 + Z ** 2 / of
  const middle = (rate + Z ** 2 / (2 * of)) / shrink
  const half = (Z / shrink) * Math.sqrt((rate * (1 - rate)) / of + Z ** 2 / (4 * of ** 2))
  return { count, of, rate, low: Math.max(0, middle - half), high: Math.min(1, middle + half), enough: of >= ENOUGH }
}

type Verdict = (typeof VERDICTS)[number]

/** The highest rate first, those with too few at the end; each with what can be said of it against the others. */
export function compared(rows: readonly Omit<ProposerCompared, 'verdict'>[]): ProposerCompared[] {
  const order = rows.toSorted(
    (one, other) =>
      Number(other.enough) - Number(one.enough) ||
      Number(other.rate) - Number(one.rate) ||
      other.of - one.of ||
      (one.proposer < other.proposer ? -1 : 1),
  )
  const able = order.filter(({ enough }) => enough)
  const [best, ...others] = able
  const isBehind = (row: Rate) => best !== undefined && row !== best && Number(row.high) < Number(best.low)
  const verdictOf = (row: Rate): Verdict => {
    if (!row.enough) return 'too_few'
    if (others.length === 0) return 'alone'
    if (row === best && others.every(isBehind)) return 'leads'
    return isBehind(row) ? 'behind' : 'not_apart'
  }
  return order.map((row) => ({ ...row, verdict: verdictOf(row) }))
}

/** More digits than a price has would only look exact. */
const DECIMALS_OF_QUOTIENT = 6

/** An amount divided by a count, as a decimal; null: the count is 0. */
export function perEach(amount: Usd, count: number): string | null {
  return count === 0 ? null : amount.div(count).toDecimalPlaces(DECIMALS_OF_QUOTIENT, Usd.ROUND_HALF_UP).toFixed()
}

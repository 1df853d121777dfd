import { round } from './money.js'

/** Tax rates by name, in hundredths of a percent: 2000 is 20 %. */
const RATES = { standard: 2000, reduced: 500, zero: 0 }

/** The rate of a name. Throws a RangeError for a name that is not in the list. */
export function rateOf(name) {
  if (!Object.hasOwn(RATES, name)) {
    throw new RangeError(`"${name}" is not a tax rate; there are ${Object.keys(RATES).join(', ')}`)
  }
  return RATES[name]
}

/** The tax on an amount, in cents. */
export function taxOn(cents, rate) {
  return round((cents * rate) / 10_000)
}

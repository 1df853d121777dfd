// Amounts are whole cents: sums of them are exact, sums of 0.1 are not.

const AMOUNT = /^(-?)(\d{1,9})(?:\.(\d{1,2}))?$/

/** "80", "80.5" or "80.50" as cents. Throws a RangeError for anything else. */
export function parseMoney(text) {
  const match = AMOUNT.exec(String(text).trim())
  if (match === null) throw new RangeError(`"${text}" is not an amount such as 80 or 80.50`)
  const [, sign, whole, fraction = ''] = match
  const cents = Number(whole) * 100 + Number(fraction.padEnd(2, '0'))
  return sign === '-' ? 0 - cents : cents
}

/** Cents as text: 123450 is "1,234.50". */
export function formatMoney(cents) {
  const digits = String(Math.abs(cents)).padStart(3, '0')
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',')
  return `${cents < 0 ? '-' : ''}${whole}.${digits.slice(-2)}`
}

/** The nearest whole number; a half is rounded away from zero. */
export function round(value) {
  const size = Math.round(Math.abs(value))
  return value < 0 ? 0 - size : size
}

import { parseMoney, round } from './money.js'
import { rateOf, taxOn } from './tax.js'

/**
 * The data of an invoice file, checked: prices become cents, the discount hundredths of a percent.
 * Throws a RangeError that names the field.
 */
export function readInvoice(data) {
  for (const field of ['number', 'date', 'customer']) {
    if (typeof data[field] !== 'string' || data[field] === '') throw new RangeError(`${field} is missing`)
  }
  const percent = data.discount ?? 0
  if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100)) {
    throw new RangeError('discount is not a percentage from 0 to 100')
  }
  if (!Array.isArray(data.lines) || data.lines.length === 0) throw new RangeError('lines is empty')
  const { number, date, customer } = data
  return { number, date, customer, discount: round(percent * 100), lines: data.lines.map(readLine) }
}

/** One line of an invoice, checked. */
function readLine(line, index) {
  const where = `lines[${index}]`
  if (typeof line.text !== 'string' || line.text === '') throw new RangeError(`${where}.text is missing`)
  if (!Number.isFinite(line.quantity)) throw new RangeError(`${where}.quantity is not a number`)
  return { text: line.text, quantity: line.quantity, price: parseMoney(line.price), rate: rateOf(line.tax) }
}

/** What a line costs before discount and tax, in cents. */
export function amountOf(line) {
  return round(line.quantity * line.price)
}

/**
 * The totals of an invoice in cents. `taxes` has one entry per rate above zero, highest rate first.
 */
export function totalsOf(invoice) {
  let net = 0
  let discount = 0
  const taxable = new Map()
  for (const line of invoice.lines) {
    const amount = amountOf(line)
    const reduction = round((amount * invoice.discount) / 10_000)
    net += amount
    discount += reduction
    taxable.set(line.rate, (taxable.get(line.rate) ?? 0) + amount - reduction)
  }
  const taxes = [...taxable]
    .filter(([rate]) => rate > 0)
    .sort(([left], [right]) => right - left)
    .map(([rate, cents]) => ({ rate, tax: taxOn(cents, rate) }))
  const total = taxes.reduce((sum, { tax }) => sum + tax, net - discount)
  return { net, discount, taxes, total }
}

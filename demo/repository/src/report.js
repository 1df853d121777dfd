import { amountOf, totalsOf } from './invoice.js'
import { formatMoney } from './money.js'

const WIDTH = 49
const RULE = '-'.repeat(10).padStart(WIDTH)

/** An invoice as text, 49 columns wide, with a newline at its end. */
export function renderInvoice(invoice) {
  const totals = totalsOf(invoice)
  const rows = [
    `Invoice ${invoice.number}`.padEnd(WIDTH - invoice.date.length) + invoice.date,
    invoice.customer,
    '',
    ...invoice.lines.map(lineRow),
    RULE,
    sumRow('Net', totals.net),
    ...(totals.discount === 0 ? [] : [sumRow(`Discount ${percent(invoice.discount)}`, -totals.discount)]),
    ...totals.taxes.map(({ rate, tax }) => sumRow(`Tax ${percent(rate)}`, tax)),
    RULE,
    sumRow('Total', totals.total),
  ]
  return `${rows.join('\n')}\n`
}

function lineRow(line) {
  const quantity = alignPoint(line.quantity)
  return `${quantity} x ${formatMoney(line.price).padStart(9)}  ${line.text.padEnd(18)}${formatMoney(amountOf(line)).padStart(11)}`
}

function sumRow(label, cents) {
  return `${' '.repeat(20)}${label.padEnd(18)}${formatMoney(cents).padStart(11)}`
}

/** A quantity with its unit digit in the third column. */
function alignPoint(quantity) {
  const [whole, fraction] = String(quantity).split('.')
  return `${whole.padStart(3)}${fraction === undefined ? '' : `.${fraction}`}`.padEnd(6)
}

function percent(hundredths) {
  return `${formatMoney(hundredths)}%`
}

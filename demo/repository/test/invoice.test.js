import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readInvoice, totalsOf } from '../src/invoice.js'

const line = (changes = {}) => ({ text: 'Work', quantity: 1, price: '100.00', tax: 'standard', ...changes })
const invoice = (changes = {}) => ({ number: '1', date: '2024-01-01', customer: 'A', lines: [line()], ...changes })

test('tax is added to the net amount', () => {
  assert.deepEqual(totalsOf(readInvoice(invoice())), {
    net: 10000,
    discount: 0,
    taxes: [{ rate: 2000, tax: 2000 }],
    total: 12000,
  })
})

test('a discount lowers the tax of every rate, highest rate first', () => {
  const lines = [line({ tax: 'reduced' }), line(), line({ tax: 'zero' })]
  assert.deepEqual(totalsOf(readInvoice(invoice({ discount: 10, lines }))), {
    net: 30000,
    discount: 3000,
    taxes: [
      { rate: 2000, tax: 1800 },
      { rate: 500, tax: 450 },
    ],
    total: 29250,
  })
})

test('every line is rounded by itself, the discount too', () => {
  const lines = [line({ price: '0.10', tax: 'zero' }), line({ price: '0.10', tax: 'zero' })]
  const { net, discount, total } = totalsOf(readInvoice(invoice({ discount: 5, lines })))
  assert.deepEqual({ net, discount, total }, { net: 20, discount: 2, total: 18 })
})

test('a field that is wrong is named', () => {
  assert.throws(() => readInvoice(invoice({ customer: '' })), /customer is missing/)
  assert.throws(() => readInvoice(invoice({ discount: 101 })), /discount is not a percentage/)
  assert.throws(() => readInvoice(invoice({ lines: [] })), /lines is empty/)
  assert.throws(() => readInvoice(invoice({ lines: [line(), line({ quantity: '2' })] })), /lines\[1\]\.quantity/)
})

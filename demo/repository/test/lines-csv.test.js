import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLines } from '../src/lines-csv.js'

const HEADER = 'text,quantity,price,tax'

test('every row becomes a line; empty rows are skipped', () => {
  assert.deepEqual(parseLines(`${HEADER}\r\nSieve, 3, 24.90, standard\r\n\r\n`), [
    { text: 'Sieve', quantity: 3, price: '24.90', tax: 'standard' },
  ])
})

test('a file without the header is refused', () => {
  assert.throws(() => parseLines('Sieve,3,24.90,standard'), /the first line must be text,quantity,price,tax/)
})

test('a row with too few fields is refused', () => {
  assert.throws(() => parseLines(`${HEADER}\nSieve,3\n`), /a line must have four fields/)
})

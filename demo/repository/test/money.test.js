import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMoney, parseMoney, round } from '../src/money.js'

test('an amount is read as whole cents', () => {
  assert.equal(parseMoney('80'), 8000)
  assert.equal(parseMoney('80.5'), 8050)
  assert.equal(parseMoney(' -0.05 '), -5)
})

test('what is not an amount is refused by name', () => {
  for (const text of ['', '1,000', '0.005', '1e3', 'eighty']) {
    assert.throws(() => parseMoney(text), new RangeError(`"${text}" is not an amount such as 80 or 80.50`))
  }
})

test('cents are written with two decimals and grouped thousands', () => {
  assert.equal(formatMoney(0), '0.00')
  assert.equal(formatMoney(-5), '-0.05')
  assert.equal(formatMoney(123456789), '1,234,567.89')
})

test('a half is rounded away from zero', () => {
  assert.deepEqual([0.4, 0.5, 1.5, 2.5, -0.4, -2.5].map(round), [0, 1, 2, 3, 0, -3])
})

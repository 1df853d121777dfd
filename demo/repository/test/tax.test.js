import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rateOf, taxOn } from '../src/tax.js'

test('a rate is found by its name', () => {
  assert.equal(rateOf('standard'), 2000)
  assert.equal(rateOf('zero'), 0)
})

test('a name that is no rate is refused, also one every object has', () => {
  assert.throws(() => rateOf('luxury'), /"luxury" is not a tax rate; there are standard, reduced, zero/)
  assert.throws(() => rateOf('toString'), RangeError)
})

test('tax is rounded to the cent', () => {
  assert.equal(taxOn(1311, 500), 66)
  assert.equal(taxOn(50, 500), 3)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Numbers } from './numbers.ts'

const someNumbers = fc.record({ length: fc.nat(5_000), from: fc.nat(50) })
const row = ({ length, from }: { length: number; from: number }) =>
  Int32Array.from({ length }, (_, index) => (from + index * 7) % 97)

test('numbers are the same as in one row, whatever is put in place of others', () => {
  const step = fc.record({ at: fc.nat(), count: fc.nat(4_000), put: someNumbers })
  const property = fc.property(someNumbers, fc.array(step, { maxLength: 6 }), (start, steps) => {
    const numbers = new Numbers(row(start))
    const plain = Array.from(row(start))
    for (const { at, count, put } of steps) {
      const from = at % (plain.length + 1)
      const removed = Math.min(count, plain.length - from)
      numbers.splice(from, removed, row(put))
      plain.splice(from, removed, ...row(put))
      assert.deepEqual(Array.from(numbers.slice()), plain)
      assert.equal(numbers.length, plain.length)
      const [low, high] = [Math.floor(from / 2), from + 10]
      assert.deepEqual(Array.from(numbers.slice(low, high)), plain.slice(low, high))
      assert.equal(numbers.indexOf(5, low), plain.indexOf(5, low))
      for (const index of [0, low, from, plain.length]) assert.equal(numbers.at(index), plain[index])
    }
  })
  fc.assert(property, { numRuns: 60, seed: 1 })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TextNumbers } from './text-numbers.ts'

test('texts have the numbers in which they came in, as in a map', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 3 }), { maxLength: 2_000 }), (texts) => {
      const numbers = new TextNumbers()
      const map = new Map<string, number>()
      for (const text of texts) {
        assert.equal(numbers.of(text), map.get(text))
        if (!map.has(text)) map.set(text, map.size)
        assert.equal(numbers.enter(text), map.get(text))
      }
      assert.equal(numbers.count, map.size)
      for (const [text, number] of map) assert.deepEqual([numbers.of(text), numbers.textOf(number)], [number, text])
    }),
  )
})

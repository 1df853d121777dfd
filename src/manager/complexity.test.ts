import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { estimateComplexity } from './complexity.ts'

test('complexity is a tenth per criterion and a twentieth per file', () => {
  assert.equal(estimateComplexity({ criteria: 3, files: 2 }), 0.4)
  assert.equal(estimateComplexity({ criteria: 1, files: 4 }), 0.3)
})

test('no criterion and no file count as one each', () => {
  assert.equal(estimateComplexity({ criteria: 0, files: 0 }), 0.15)
})

test('complexity stays between 0 and 1 and never falls when an order grows', () => {
  const count = fc.integer({ min: 0, max: 10_000 })
  fc.assert(
    fc.property(count, count, (criteria, files) => {
      const score = estimateComplexity({ criteria, files })
      assert.ok(score > 0 && score <= 1)
      assert.ok(estimateComplexity({ criteria: criteria + 1, files }) >= score)
      assert.ok(estimateComplexity({ criteria, files: files + 1 }) >= score)
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sampleBeta } from './sample-beta.ts'
import { seededChance } from './seeded-chance.ts'

const DRAWS = 20_000

for (const [alpha, beta] of [
  [4, 1],
  [0.5, 0.5],
  [30, 70],
  [1, 1],
] as const) {
  test(`draws from Beta(${alpha}, ${beta}) have its mean and its variance`, () => {
    const chance = seededChance('beta', alpha, beta)
    const draws = Array.from({ length: DRAWS }, () => sampleBeta(alpha, beta, chance))
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / DRAWS
    const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / DRAWS
    const total = alpha + beta
    assert.ok(Math.abs(mean - alpha / total) < 0.01, `mean ${mean}`)
    const expected = (alpha * beta) / (total ** 2 * (total + 1))
    assert.ok(Math.abs(variance / expected - 1) < 0.05, `variance ${variance}, expected ${expected}`)
  })
}

test('a draw is a probability, however lopsided the evidence', () => {
  const parameter = fc.double({ min: 1e-6, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(parameter, parameter, fc.string(), (alpha, beta, seed) => {
      const draw = sampleBeta(alpha, beta, seededChance(seed))
      assert.ok(draw >= 0 && draw <= 1, String(draw))
    }),
  )
})

test('the same parts give the same numbers, evenly spread, others give others', () => {
  const take = (...parts: (string | number)[]) => {
    const chance = seededChance(...parts)
    return Array.from({ length: DRAWS }, chance)
  }
  assert.deepEqual(take(1, 'a'), take(1, 'a'))
  assert.notDeepEqual(take(1, 'a').slice(0, 3), take(1, 'b').slice(0, 3))
  assert.notDeepEqual(take('1,a').slice(0, 3), take(1, 'a').slice(0, 3))
  const inFirstTenth = take(1, 'a').filter((number) => number < 0.1).length
  assert.ok(Math.abs(inFirstTenth / DRAWS - 0.1) < 0.01)
})

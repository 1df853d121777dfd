import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare } from './compare.ts'
import { toSvg } from './plot.ts'
import { PUBLISHED_MODELS, sharedDifficulty } from './published-figures.ts'
import { toCsv } from './report.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'
import { createWorld } from './world.ts'

function six(): Scenario {
  const [scenario] = SCENARIOS
  assert.ok(scenario)
  return scenario
}

const near = (actual: number, expected: number, within: number, what: string) =>
  assert.ok(Math.abs(actual - expected) <= within, `${what}: ${actual}, expected about ${expected}`)

test('the published figures hold where the boards stand: the most able model tries twice and nobody after it', () => {
  const { models, thresholds, assumptions } = six()
  const { truth } = createWorld(models, thresholds, assumptions, 1)
  for (const [complexity, board] of [
    [assumptions.easyAt, 'easy'],
    [assumptions.hardAt, 'hard'],
  ] as const) {
    const sonnet = PUBLISHED_MODELS.find(({ name }) => name.startsWith('claude-3-5-sonnet'))
    assert.ok(sonnet)
    near(truth(complexity, sonnet.name).success, sonnet[board].second / 100, 1e-9, board)
  }
})

test('what attempts come to is what the truth says, for everybody', () => {
  const { models, thresholds, assumptions } = six()
  const world = createWorld(models, thresholds, assumptions, 1)
  const orders = Array.from({ length: 20_000 }, (_, index) => ({ ...world.order(index), complexity: 0.4 }))
  for (const { name } of models) {
    const ends = orders.map((order) => world.attempt(order, name))
    const { success, costUsd } = world.truth(0.4, name)
    near(ends.filter(({ merged }) => merged).length / ends.length, success, 0.012, `success of ${name}`)
    const spent = ends.reduce((sum, end) => sum + end.costUsd, 0) / ends.length
    near(spent / costUsd, 1, 0.03, `cost of ${name}`)
  }
})

test('how much models agree is what the published table says', () => {
  near(sharedDifficulty(), 0.494, 0.001, 'correlation')
})

test('the same seed gives the same worlds; the oracle has no regret, and nobody less than it', () => {
  const brief = (seed: number) =>
    compare(six(), 300, [seed]).results.map(({ policy, costPerMergeUsd, successShare, regretUsd }) => {
      assert.ok(regretUsd > -1e-9, `${policy} ${regretUsd}`)
      return { policy, costPerMergeUsd, successShare, regretUsd }
    })
  const first = brief(1)
  assert.deepEqual(first, brief(1))
  assert.notDeepEqual(first, brief(2))
  assert.equal(first.at(-1)?.regretUsd, 0)
})

test('learning pays: the regret of a second thousand of orders is far below that of the first', () => {
  const { results } = compare(six(), 2_000, [1])
  for (const { policy, regretAt } of results.filter((one) => one.policy.startsWith('learned'))) {
    const [first, both] = [Number(regretAt[999]), Number(regretAt[1_999])]
    assert.ok(both - first < 0.75 * first, `${policy}: ${first}, then ${both - first}`)
  }
})

test('the numbers and the plot have a row and a curve for everything compared', () => {
  const comparison = compare(six(), 60, [1])
  const rows = toCsv(comparison).trimEnd().split('\n')
  assert.equal(rows.length, 61)
  assert.ok(rows.every((row) => row.split(',').length === 9))
  const svg = toSvg(comparison)
  assert.equal(svg.match(/<polyline/g)?.length, 8)
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/)
})

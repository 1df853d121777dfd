import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RoutingOutcome } from '../../db/outcome-vectors.ts'
import { KINDS_OF_CHANGE } from '../../work-order/kind-of-change.ts'
import { type Candidate, chooseProposer } from '../static-rule.ts'
import { chooseByOutcomes, expectByOutcomes, type LearnedChoice, type LearnedPolicySettings } from './learned-policy.ts'

const mini: Candidate = { name: 'mini', complexityThreshold: 0.3, expectedCostUsd: 0.001 }
const sonnet: Candidate = { name: 'sonnet', complexityThreshold: 1, expectedCostUsd: 0.03 }
const large: Candidate = { name: 'large', complexityThreshold: 1, expectedCostUsd: 0.3 }
const ALL = [mini, sonnet, large] as const

const SETTINGS: LearnedPolicySettings = {
  mode: 'learned',
  minOutcomes: 30,
  successFloor: null,
  explore: false,
  seed: 1,
}
const ORDER = { workOrderId: 'a', complexity: 0.6, kind: 'code', hardStops: [] } as const

/** The first `merged` of `count` attempts were merged. */
function outcomes(proposer: string, merged: number, count: number, other: Partial<RoutingOutcome> = {}) {
  return Array.from({ length: count }, (_, index): RoutingOutcome => {
    const common = { proposer, complexity: 0.6, kind: 'code', costUsd: 0.05, durationMs: 1000 } as const
    return { ...common, merged: index < merged, ...other }
  })
}

function choose(
  known: readonly RoutingOutcome[],
  settings: Partial<LearnedPolicySettings> = {},
  order: Partial<Parameters<typeof chooseByOutcomes>[0]> = {},
): LearnedChoice {
  const choice = chooseByOutcomes({ ...ORDER, ...order }, ALL, known, { ...SETTINGS, ...settings })
  assert.ok(choice)
  return choice
}

const expectationFor = (choice: LearnedChoice, name: string) => {
  const found = choice.expectations.find(({ candidate }) => candidate.name === name)
  assert.ok(found)
  return found
}

test('off by itself below the minimum of outcomes, which those of strangers do not fill', () => {
  const ask = (mode: LearnedPolicySettings['mode'], known: RoutingOutcome[]) =>
    chooseByOutcomes(ORDER, ALL, known, { ...SETTINGS, mode }) !== null
  const proven = (count: number) => outcomes('mini', count, count, { costUsd: 0.002 })
  assert.equal(ask('auto', proven(29)), false)
  assert.equal(ask('auto', proven(30)), true)
  assert.equal(ask('auto', [...proven(29), ...outcomes('gone', 20, 29)]), false)
  assert.equal(ask('static', proven(500)), false)
  assert.equal(ask('learned', []), true)
})

test('off by itself where the static rule keeps the floor and next to nothing would be saved', () => {
  const known = [...outcomes('sonnet', 90, 100), ...outcomes('mini', 20, 100)]
  const ask = (settings: Partial<LearnedPolicySettings>) =>
    chooseByOutcomes(ORDER, ALL, known, { ...SETTINGS, mode: 'auto', ...settings }) !== null
  assert.equal(ask({}), false)
  assert.equal(ask({ mode: 'learned' }), true)
  assert.equal(ask({ successFloor: 0.95 }), true)
})

test('without any outcome it chooses as the static rule does', () => {
  for (const complexity of [0, 0.15, 0.3, 0.35, 0.6, 1]) {
    const { chosen } = chooseProposer({ complexity, hardStops: [] }, ALL)
    assert.equal(choose([], {}, { complexity }).chosen, chosen, String(complexity))
  }
  assert.match(choose([]).reason, /^Nothing similar has been done with sonnet yet; as it is configured 80 % should be/)
})

test('a cheap one that proved itself above its threshold takes over, and the reason counts the evidence', () => {
  const choice = choose([...outcomes('mini', 95, 100, { costUsd: 0.002 }), ...outcomes('sonnet', 90, 100)])
  assert.equal(choice.chosen, mini)
  assert.equal(choice.strategy, 'learned_cheapest_per_merge')
  assert.equal(expectationFor(choice, 'mini').able, false)
  assert.match(
    choice.reason,
    /^Of about 100 similar orders 95 were merged with mini, at about \$0\.0020 an attempt and \$0\.0021 per merged pull request\. No other proposer that may be used is expected to succeed more often\. So 9\d % of all orders should be merged; the floor is 90 %\.$/,
  )
})

test('the cheapest is not enough where the floor asks for more, and the reason says what more would cost', () => {
  const known = [...outcomes('mini', 60, 100, { costUsd: 0.002 }), ...outcomes('sonnet', 95, 100)]
  assert.equal(choose(known).chosen, sonnet)
  const modest = choose(known, { successFloor: 0.5 })
  assert.equal(modest.chosen, mini)
  assert.equal(modest.fallback, sonnet)
  assert.match(
    modest.reason,
    /sonnet would succeed more often \(94 %\), but at \$0\.1\d+ for each further merge; up to \$0\.0033 is paid/,
  )
})

test('success is bought where it is cheapest: the floor is one of all orders together', () => {
  const of = (complexity: number) => ({ complexity, costUsd: 0.002 })
  const known = [
    ...outcomes('mini', 40, 100, of(0.15)),
    ...outcomes('mini', 40, 100, of(0.9)),
    ...outcomes('sonnet', 95, 100, { complexity: 0.15 }),
    ...outcomes('sonnet', 50, 100, { complexity: 0.9 }),
  ]
  const at = (complexity: number) => choose(known, { successFloor: 0.5 }, { complexity }).chosen
  assert.equal(at(0.15), sonnet)
  assert.equal(at(0.9), mini)
})

test('what recent orders fell short of the floor is made up for', () => {
  const known = [...outcomes('mini', 72, 100, { costUsd: 0.002 }), ...outcomes('sonnet', 76, 100)]
  const failures = outcomes('mini', 0, 400, { complexity: 0, kind: 'docs' })
  assert.equal(choose(known, { successFloor: 0.7 }).chosen, mini)
  assert.notEqual(choose([...known, ...failures], { successFloor: 0.7 }).chosen, mini)
})

test('what counts is the cost per merged pull request, not of one attempt', () => {
  const known = [...outcomes('sonnet', 71, 100, { costUsd: 0.28 }), ...outcomes('large', 100, 100, { costUsd: 0.3 })]
  const choice = choose(known)
  assert.ok((expectationFor(choice, 'sonnet').costUsd ?? 1) < (expectationFor(choice, 'large').costUsd ?? 0))
  assert.equal(choice.chosen, large)
})

test('nobody reaches the floor: the most successful one, and the reason says so', () => {
  const known = [...outcomes('mini', 10, 100), ...outcomes('sonnet', 40, 100), ...outcomes('large', 60, 100)]
  const choice = choose(known, { successFloor: 0.7 })
  assert.equal(choice.chosen, large)
  assert.equal(choice.strategy, 'learned_most_successful')
  assert.match(
    choice.reason,
    /Even so only 6\d % of all orders should be merged, below the floor of 70 %: split orders/,
  )
  assert.equal(choice.confidence, expectationFor(choice, 'large').success)
})

test('a hard stop leaves only the most able ones, whatever was learned', () => {
  const known = [
    ...outcomes('mini', 100, 100, { costUsd: 0 }),
    ...outcomes('sonnet', 100, 100),
    ...outcomes('large', 9, 10),
  ]
  const choice = choose(known, {}, { hardStops: ['authentication'] })
  assert.equal(choice.chosen, sonnet)
  assert.equal(choice.fallback, large)
  assert.equal(choice.strategy, 'hard_stop_override')
  assert.match(choice.reason, /^The order speaks of "authentication", so only the most able/)
})

test('success at one complexity says nothing about quite another', () => {
  const easy = outcomes('mini', 200, 200, { complexity: 0.15, costUsd: 0.001 })
  const expectation = (complexity: number) => expectationFor(choose(easy, {}, { complexity }), 'mini')
  assert.ok(expectation(0.15).success > 0.95)
  assert.ok(expectation(0.9).similarOrders < 0.01)
  assert.ok(expectation(0.9).success < 0.1)
})

test('the nearer in complexity, the more an order counts', () => {
  const known = outcomes('mini', 40, 50, { complexity: 0.6 })
  const [same, near, far] = [0.6, 0.7, 0.8].map(
    (complexity) => expectationFor(choose(known, {}, { complexity }), 'mini').similarOrders,
  )
  assert.equal(same, 50)
  assert.ok(Number(near) < 45 && Number(near) > 2 * Number(far), `${near}, ${far}`)
})

test('other kinds of change count little: as eight orders at most', () => {
  const styles = outcomes('mini', 200, 200, { kind: 'style' })
  assert.equal(Math.round(expectationFor(choose(styles), 'mini').similarOrders), 8)
  assert.equal(Math.round(expectationFor(choose(styles, {}, { kind: 'style' }), 'mini').similarOrders), 200)
  const mixed = expectationFor(choose([...styles, ...outcomes('mini', 0, 100)]), 'mini')
  assert.ok(mixed.success < 0.1, String(mixed.success))
})

test('what attempts really cost replaces what they were expected to cost', () => {
  const { costUsd } = expectationFor(choose(outcomes('sonnet', 90, 100, { costUsd: 0.2 })), 'sonnet')
  assert.ok(costUsd !== null && Math.abs(costUsd - 0.2) < 0.01, String(costUsd))
})

test('a price nobody knows comes last, until attempts have shown it', () => {
  const local: Candidate = { name: 'local', complexityThreshold: 1, expectedCostUsd: null }
  const ask = (known: RoutingOutcome[]) => chooseByOutcomes(ORDER, [local, large], known, SETTINGS)
  assert.equal(ask([])?.chosen, large)
  assert.equal(ask(outcomes('local', 90, 100, { costUsd: 0.01 }))?.chosen, local)
  assert.match(String(chooseByOutcomes(ORDER, [local], [], SETTINGS)?.reason), /local .* at an unknown price\./)
})

test('it tries what it knows little of, says so, and ever less as it learns', () => {
  const explored = (count: number) => {
    const known = [
      ...outcomes('mini', count * 0.65, count, { costUsd: 0.002 }),
      ...outcomes('sonnet', 0.95 * count, count),
    ]
    const choices = Array.from({ length: 200 }, (_, id) => choose(known, { explore: true }, { workOrderId: `${id}` }))
    return choices.filter(({ strategy }) => strategy === 'learned_exploration')
  }
  const few = explored(10)
  assert.ok(few.length > 10 && few.length < 100, String(few.length))
  assert.match(few[0]?.reason ?? '', /mini.*It is tried to learn more about it; by what is known it would be sonnet/)
  assert.ok(explored(200).length < few.length / 2)
  assert.equal(explored(4000).length, 0)
})

test('the same order gets the same answer; another seed may give another', () => {
  const known = [...outcomes('mini', 4, 6, { costUsd: 0.002 }), ...outcomes('sonnet', 5, 6)]
  const ask = (seed: number) => choose(known, { explore: true, seed })
  assert.deepEqual(ask(1), ask(1))
  const chosen = Array.from({ length: 50 }, (_, seed) => ask(seed).chosen.name)
  assert.ok(new Set(chosen).size > 1)
})

const candidatesOf = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    complexityThreshold: fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20),
    expectedCostUsd: fc.option(fc.double({ min: 0, max: 10, noNaN: true })),
  }),
  { selector: ({ name }) => name, minLength: 1 },
)
const share = fc.double({ min: 0, max: 1, noNaN: true })
const outcome = fc.record({
  proposer: fc.constantFrom('a', 'b', 'c', 'd', 'gone'),
  complexity: share,
  kind: fc.constantFrom(...KINDS_OF_CHANGE),
  merged: fc.boolean(),
  costUsd: fc.double({ min: 0, max: 100, noNaN: true }),
  durationMs: fc.nat(),
})
const question = fc.record({
  all: candidatesOf,
  known: fc.array(outcome, { maxLength: 60 }),
  order: fc.record({
    workOrderId: fc.string(),
    complexity: share,
    kind: fc.constantFrom(...KINDS_OF_CHANGE),
    hardStops: fc.constantFrom([], ['xss']),
  }),
  floor: fc.option(share),
  explore: fc.boolean(),
})

test('whatever it has seen: sound numbers, the floor and hard stops kept, no dependence on any order', () => {
  fc.assert(
    fc.property(question, ({ all, known, order, floor, explore }) => {
      const [first, ...rest] = all
      if (first === undefined) return
      const settings = { ...SETTINGS, successFloor: floor, explore }
      const choice = chooseByOutcomes(order, [first, ...rest], known, settings)
      assert.ok(choice)
      for (const { success, costUsd, similarOrders, similarMerged } of choice.expectations) {
        assert.ok(success > 0 && success <= 1)
        assert.ok(costUsd === null || (costUsd >= 0 && costUsd <= 100))
        assert.ok(similarMerged >= 0 && similarMerged <= similarOrders + 1e-9)
      }
      const highest = Math.max(...all.map(({ complexityThreshold }) => complexityThreshold))
      if (order.hardStops.length > 0) assert.equal(choice.chosen.complexityThreshold, highest)
      if (choice.strategy === 'learned_cheapest_per_merge') assert.ok(choice.worth.share >= choice.floor - 1e-9)
      assert.notEqual(choice.fallback, choice.chosen)
      assert.equal(choice.fallback === null, all.length === 1)
      const [last, ...others] = all.toReversed()
      const again = chooseByOutcomes(order, [last ?? first, ...others], known, settings)
      assert.deepEqual(again?.chosen, choice.chosen)
    }),
    { numRuns: 500 },
  )
})

test('what is expected of each can be asked in any mode, the cheapest per merge first', () => {
  const expectations = expectByOutcomes(ORDER, ALL, outcomes('sonnet', 0, 50))
  assert.deepEqual(
    expectations.map(({ candidate, able }) => [candidate.name, able]),
    [
      ['mini', false],
      ['large', true],
      ['sonnet', true],
    ],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Candidate, chooseProposer } from './static-rule.ts'

const mini: Candidate = { name: 'mini', complexityThreshold: 0.3, expectedCostUsd: 0.001 }
const sonnet: Candidate = { name: 'sonnet', complexityThreshold: 1, expectedCostUsd: 0.03 }
const local: Candidate = { name: 'local', complexityThreshold: 0.5, expectedCostUsd: null }

test('the cheapest of the able ones is chosen, the next is the fallback', () => {
  const choice = chooseProposer({ complexity: 0.3, hardStops: [] }, [sonnet, local, mini])
  assert.equal(choice.strategy, 'cheapest_able')
  assert.equal(choice.chosen, mini)
  assert.equal(choice.fallback, sonnet)
  assert.match(choice.reason, /3 of 3 .* 0\.3; mini is the cheapest at about \$0\.0010\./)
})

test('one that is not trusted with the complexity is passed over, however cheap', () => {
  const choice = chooseProposer({ complexity: 0.31, hardStops: [] }, [mini, sonnet])
  assert.equal(choice.chosen, sonnet)
  assert.equal(choice.fallback, null)
})

test('an unknown price comes after every known one', () => {
  const choice = chooseProposer({ complexity: 0.4, hardStops: [] }, [local, sonnet])
  assert.equal(choice.chosen, sonnet)
  assert.equal(choice.fallback, local)
})

test('a risky word takes the most able one and names the word', () => {
  const choice = chooseProposer({ complexity: 0.15, hardStops: ['authentication'] }, [mini, local, sonnet])
  assert.equal(choice.strategy, 'hard_stop_override')
  assert.equal(choice.chosen, sonnet)
  assert.match(choice.reason, /"authentication".*sonnet/)
})

test('when nobody is trusted with the complexity the most able one tries, with low confidence', () => {
  const choice = chooseProposer({ complexity: 0.9, hardStops: [] }, [mini, local])
  assert.equal(choice.strategy, 'most_able_fallback')
  assert.equal(choice.chosen, local)
  assert.ok(choice.confidence < 0.5)
  assert.match(choice.reason, /No available proposer is trusted with complexity 0\.9\. local/)
})

const candidates = fc.uniqueArray(
  fc.record({
    name: fc.string({ minLength: 1 }),
    complexityThreshold: fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20),
    expectedCostUsd: fc.option(fc.double({ min: 0, max: 10, noNaN: true })),
  }),
  { selector: ({ name }) => name, minLength: 1, maxLength: 8 },
)

test('the choice does not depend on the order of the candidates, and is able whenever one is', () => {
  fc.assert(
    fc.property(candidates, fc.double({ min: 0, max: 1, noNaN: true }), (all, complexity) => {
      const [first, ...rest] = all
      if (first === undefined) return
      const order = { complexity, hardStops: [] }
      const { chosen } = chooseProposer(order, [first, ...rest])
      const [last, ...others] = all.toReversed()
      assert.deepEqual(chosen, chooseProposer(order, [last ?? first, ...others]).chosen)
      const someoneIs = all.some(({ complexityThreshold }) => complexityThreshold >= complexity)
      assert.equal(chosen.complexityThreshold >= complexity, someoneIs)
    }),
  )
})

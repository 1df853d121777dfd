import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Usd } from '../money.ts'
import { type OptionFacts, optionsFor, shortOfRoom } from './options.ts'

const FACTS: OptionFacts = {
  shortId: '1a2b3c4d',
  cause: 'check_failed',
  refusedBy: null,
  raise: null,
  needed: null,
  cap: { cap: new Usd(5), gone: new Usd(1) },
  costs: new Map([
    ['small', 0.5],
    ['weak', 0.1],
    ['large', 2],
  ]),
  averageUsd: 0.4,
  next: 'small',
  last: 'small',
  wanted: null,
  candidates: [
    { proposer: 'small', able: true, reserves_usd: 0.3 },
    { proposer: 'weak', able: false, reserves_usd: null },
    { proposer: 'large', able: true, reserves_usd: 1 },
  ],
  reserved: new Map([['small', new Usd('0.2')]]),
  held: null,
  hasCommit: true,
  isConflicting: false,
  isLeftByHand: false,
  isHeldUpOnForge: false,
  retry: { sentence: 'The model is asked again.', cost: 'usual' },
  review: null,
  records: [{ option: 'retry', chosen: 4, ended: 3, ended_well: 2 }],
}
const offered = (facts: Partial<OptionFacts>) => optionsFor({ ...FACTS, ...facts })
const at = (small: number, large = 2) =>
  new Map([
    ['small', small],
    ['large', large],
  ])
const one = (option: string, facts: Partial<OptionFacts> = {}) =>
  offered(facts).find((offer) => offer.option === option)

test('a failed order is offered each option with its expected cost, its command and what came of it before', () => {
  assert.deepEqual(
    offered({}).map(({ option, expected_cost_usd: usd, command }) => [option, usd, command]),
    [
      ['retry', 0.5, 'moose decide 1a2b3c4d retry'],
      ['model', 2, 'moose decide 1a2b3c4d model --proposer large'],
      ['amend', 0.5, 'moose decide 1a2b3c4d amend -f order.yaml'],
      ['verify', 0, 'moose decide 1a2b3c4d verify'],
      ['abort', 0, 'moose decide 1a2b3c4d abort'],
    ],
  )
  assert.deepEqual([one('retry')?.chosen, one('retry')?.ended, one('retry')?.ended_well], [4, 3, 2])
  assert.deepEqual([one('model')?.chosen, one('model')?.ended], [0, 0])
})

test('a retry is offered as what it does, at the price that is known', () => {
  assert.equal(one('retry')?.sentence, 'The model is asked again.')
  const low = { cap: { cap: new Usd(1), gone: new Usd('0.999') } }
  const priced = (cost: 'none' | 'unknown') => {
    const offer = one('retry', { ...low, retry: { sentence: 'It is done.', cost } })
    return [offer?.sentence, offer?.expected_cost_usd, offer?.budget_usd]
  }
  assert.deepEqual(priced('none'), ['It is done.', 0, null])
  assert.deepEqual(priced('unknown'), ['It is done, with a cap of $1.80.', null, 1.8])
})

test('one that a human has wanted already is not another model', () => {
  assert.equal(one('model')?.proposer, 'large')
  assert.equal(one('model', { wanted: 'large' })?.proposer, 'weak')
  const pair = FACTS.candidates.filter(({ proposer }) => proposer !== 'weak')
  assert.equal(one('model', { wanted: 'large', candidates: pair })?.proposer, 'large', 'but where there is no other')
})

test('what cannot be done is not offered: no commit to verify, no other model, nothing held', () => {
  assert.equal(one('verify', { hasCommit: false }), undefined)
  assert.equal(one('model', { candidates: FACTS.candidates.slice(0, 1) }), undefined)
  assert.equal(one('allow'), undefined)
  assert.equal(one('model', { candidates: FACTS.candidates.slice(0, 2) })?.proposer, 'weak', 'better than none')
})

test('what conflicts with its base is not verified: git could not merge that in', () => {
  const names = (facts: Partial<OptionFacts>) => offered({ ...facts, isConflicting: true }).map(({ option }) => option)
  assert.deepEqual(names({ cause: 'merge_conflict' }), ['retry', 'model', 'amend', 'abort'])
  assert.deepEqual(names({ cause: 'follow_up_exhausted', review: 'exhausted' }), ['retry', 'model', 'amend', 'abort'])
})

test('of a conflict that no model may resolve no reaction is offered, because it would find the same', () => {
  const conflict = { isConflicting: true, isLeftByHand: true }
  const offers = offered({ ...conflict, cause: 'follow_up_exhausted', review: 'exhausted' })
  assert.deepEqual(
    offers.map(({ option }) => option),
    ['amend', 'abort'],
  )
})

test('what was verified and is red on its forge alone is not verified again: that would change nothing there', () => {
  const offers = offered({ isHeldUpOnForge: true, cause: 'follow_up_exhausted', review: 'exhausted' })
  assert.deepEqual(
    offers.map(({ option }) => option),
    ['retry', 'model', 'amend', 'abort'],
  )
})

test('a held change is offered to be allowed first', () => {
  const held = { headSha: 'a'.repeat(40), held: [], count: 2 }
  assert.deepEqual(offered({ held })[0]?.option, 'allow')
  const [shown, other] = [held, { ...held, count: 3 }].map((one) => offered({ held: one })[0])
  assert.equal(shown?.command, `moose decide 1a2b3c4d allow --held ${shown?.held}`)
  assert.match(String(shown.held), /^a{12}\.[0-9a-f]{12}$/)
  assert.notEqual(shown.held, other?.held, 'something else of the same commit')
  assert.equal(one('retry', { held })?.held, null)
  assert.match(String(one('allow', { held })?.sentence), /the 2 changes that are held/)
})

test('of an attempt that rests, its commit is not verified, and what is held is not tried again as it is', () => {
  const names = (facts: Partial<OptionFacts>) => offered(facts).map(({ option }) => option)
  const held = { headSha: 'a', held: [], count: 1 }
  assert.deepEqual(names({ cause: 'protected_change', held }), ['allow', 'model', 'amend', 'abort'])
  assert.deepEqual(names({ cause: 'budget_exceeded' }), ['retry', 'model', 'amend', 'abort'])
})

test('a cap that is too low is raised by as much as the option is expected to take, in whole cents', () => {
  assert.equal(one('retry')?.budget_usd, null)
  const low = { cap: { cap: new Usd(1), gone: new Usd('0.999') } }
  assert.equal(one('retry', low)?.budget_usd, 1.8)
  assert.equal(one('model', low)?.budget_usd, 4)
  assert.equal(one('amend', low)?.budget_usd, 1.8)
  for (const option of ['retry', 'model', 'amend'])
    assert.match(String(one(option, low)?.sentence), /, with a cap of \$(1\.80|4\.00)\.$/, option)
  assert.doesNotMatch(String(one('amend')?.sentence), /cap/)
  const anew = one('amend', { ...low, review: 'exhausted', cause: 'follow_up_exhausted' })
  assert.match(String(anew?.sentence), /^The pull request is closed unmerged; .*, with a cap of \$1\.80\.$/)
  const refused = { cause: 'budget_exceeded', refusedBy: 'order', needed: new Usd('4.501') }
  assert.equal(one('retry', refused)?.budget_usd, 6.01)
  assert.equal(one('retry', { ...refused, cap: null })?.budget_usd, null)
})

test('a cap that is offered has room for the most that the last call can cost, beside what is expected', () => {
  const cap = { cap: new Usd('0.08'), gone: new Usd('0.07') }
  assert.equal(one('retry', { cap, costs: at(0.02) })?.budget_usd, 0.39, 'what a first call reserves')
  const before = new Map([['small', new Usd('0.331')]])
  assert.equal(one('retry', { cap, costs: at(0.02), reserved: before })?.budget_usd, 0.43, 'what one has reserved')
  assert.equal(one('model', { cap, reserved: before })?.budget_usd, 3.07, 'of another proposer that says nothing')
  const dear = FACTS.candidates.map((candidate) => ({ ...candidate, reserves_usd: 4 }))
  assert.equal(one('model', { cap, candidates: dear, costs: at(0.5, 0.01) })?.budget_usd, 4.08)
  const bySmall = { cap, next: 'large', last: 'small', costs: at(0.02, 0.02) }
  assert.equal(one('retry', bySmall)?.budget_usd, 1.09, 'who is asked next')
  assert.equal(one('retry', { ...bySmall, review: 'exhausted' })?.budget_usd, 0.39, 'of a pull request who made it')
  assert.equal(one('amend', { cap, averageUsd: null, next: null, candidates: [] })?.budget_usd, null)
})

test('a cap that leaves no room for the next call is told to be too low, by the proposer that is asked', () => {
  const facts = { ...FACTS, cap: { cap: new Usd('0.7'), gone: new Usd('0.63') } }
  assert.equal(shortOfRoom(facts, new Usd('0.93'), null), null)
  assert.match(
    String(shortOfRoom(facts, new Usd('0.9'), null)),
    /^The cap is too low: the next call may cost up to \$0\.30, and a cap of \$0\.90 has \$0\.27 left/,
  )
  assert.match(String(shortOfRoom(facts, new Usd('0.93'), 'large')), /up to \$1\.00/)
  const rests = { ...facts, cause: 'budget_exceeded', refusedBy: 'order', needed: new Usd('0.25') }
  assert.equal(shortOfRoom(rests, new Usd('0.88'), null), null, 'the call that was refused is the next one')
  assert.match(String(shortOfRoom(rests, new Usd('0.87'), null)), /up to \$0\.25/)
})

test('where the cap of a day is in the way, the order keeps its own, and the day is named', () => {
  const raise = 'moose budget cap day 109.00   and: moose budget cap month 1009.00'
  const facts = { cause: 'budget_exceeded', refusedBy: 'day', needed: new Usd(9), raise }
  const offer = one('retry', facts)
  assert.equal(offer?.budget_usd, null)
  assert.match(
    offer?.sentence ?? '',
    /goes on where it rests\. The cap that refused .* first: moose budget cap day 109\.00 {3}and: moose budget cap month 1009\.00$/,
  )
  for (const option of ['model', 'amend'])
    assert.match(
      String(one(option, facts)?.sentence),
      /\. The cap that refused .* first: moose budget cap day 109\.00 {3}and: moose budget cap month 1009\.00$/,
    )
})

test('of a pull request the one that made the change is asked once more, at its own price', () => {
  const offers = offered({ review: 'exhausted', cause: 'follow_up_exhausted', next: 'large' })
  assert.deepEqual(
    offers.slice(0, 3).map(({ option, expected_cost_usd: usd }) => [option, usd]),
    [
      ['retry', 0.5],
      ['model', 2],
      ['amend', 2],
    ],
  )
})

test('what is not known is said as not known', () => {
  assert.equal(one('retry', { costs: new Map(), averageUsd: null })?.expected_cost_usd, null)
  assert.equal(one('model', { costs: new Map() })?.expected_cost_usd, null, 'of another what the last one has cost')
  assert.equal(one('retry', { costs: new Map() })?.expected_cost_usd, 0.4, 'as its attempts so far')
})

test('of a pull request that Moose does no more about: once more, another model, made anew, verified, or given up', () => {
  const offers = offered({
    review: 'exhausted',
    cause: 'follow_up_exhausted',
    cap: { cap: new Usd(5), gone: new Usd('4.8') },
  })
  assert.deepEqual(
    offers.map(({ option, expected_cost_usd: usd, budget_usd: cap }) => [option, usd, cap]),
    [
      ['retry', 0.5, 5.6],
      ['model', 2, 7.8],
      ['amend', 0.5, 5.6],
      ['verify', 0, null],
      ['abort', 0, null],
    ],
  )
  assert.match(
    String(offers[0]?.sentence),
    /^One more reaction .*, with a cap of \$5\.60\. If that does not mend it, a decision is asked for again/,
  )
})

test('of a branch that somebody else has changed: given back, verified, or given up, and no model is offered', () => {
  const offers = offered({ review: 'hands_off', cause: 'hands_off' })
  assert.deepEqual(
    offers.map(({ option, expected_cost_usd: usd, command }) => [option, usd, command]),
    [
      ['adopt', 0, 'moose decide 1a2b3c4d adopt'],
      ['verify', 0, 'moose decide 1a2b3c4d verify'],
      ['abort', 0, 'moose decide 1a2b3c4d abort'],
    ],
  )
})

test('of a pull request that is not there any more: that the order is ended, and nothing else', () => {
  const [end, ...others] = offered({ review: 'lost', cause: 'pull_request_lost' })
  assert.deepEqual([end?.option, end?.expected_cost_usd, others.length], ['abort', 0, 0])
  assert.match(String(end?.sentence), /nothing is closed on its forge/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stepSummary, TEXT_STAYS } from './step-summary.ts'

const decision = { selected_proposer: 'small', reason: 'cheapest' }
const routed = (output: object) => stepSummary({ name: 'route', output: { decision, verifies: 1, ...output } })

test('a verification is told by what is verified, and by whether a model may be asked', () => {
  const pull = { branch: 'moose/1-greet' }
  assert.equal(routed({}), 'verifies the commit of attempt 1; no model is called')
  assert.equal(routed({ toVerify: { pull: null } }), 'verifies the commit of attempt 1; no model is called')
  assert.equal(
    routed({ toVerify: { pull }, resolves: false }),
    'verifies what the branch moose/1-greet holds; no model is called',
  )
  assert.equal(
    routed({ toVerify: { pull }, resolves: true }),
    'verifies what the branch moose/1-greet holds; a model is asked only where git cannot merge the base',
  )
})

test('a reaction to what became of a pull request says which model is called, or when one is', () => {
  const toVerify = { pull: { branch: 'moose/1-greet' }, propose: { proposer: 'large' } }
  assert.equal(
    routed({ toVerify, resolves: false, follows: { task: '2 comments of a review' } }),
    'has large change what the branch moose/1-greet holds (2 comments of a review), and verifies that',
  )
  const merges = { toVerify, follows: { task: null } }
  assert.equal(
    routed({ ...merges, resolves: true }),
    'verifies what the branch moose/1-greet holds; a model is asked only where git cannot merge the base, or a check newly fails',
  )
  assert.equal(
    routed({ ...merges, resolves: false }),
    'verifies what the branch moose/1-greet holds; a model is asked only where a check newly fails',
  )
})

test('a publish tells why a text stays, also where an earlier Moose kept no more than whether it does', () => {
  const published = (kept: object) =>
    stepSummary({ name: 'publish', output: { number: 7, branch: 'moose/1-greet', ...kept } })
  const told = 'pull request #7 from moose/1-greet'
  for (const kept of [{}, { keepsText: null }, { keepsText: false }]) assert.equal(published(kept), told)
  assert.equal(published({ keepsText: true }), `${told}; ${TEXT_STAYS}`)
  assert.equal(published({ keepsText: 'its text stays' }), `${told}; its text stays`)
})

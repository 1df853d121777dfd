import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stepSummary } from './step-summary.ts'

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

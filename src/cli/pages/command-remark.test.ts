import assert from 'node:assert/strict'
import { test } from 'node:test'
import { remarkOf } from './command-remark.ts'

test('a command that is listed says in a few words what it does, and which of two asks a model anew', () => {
  assert.equal(remarkOf('moose logs 1a2b3c4d'), 'what happened')
  assert.equal(remarkOf('moose retry 1a2b3c4d'), 'carries it out again, and says whether a model is asked and paid')
  assert.equal(remarkOf('moose retry 1a2b3c4d --fresh'), 'asks the model anew, told of no failure, and is paid for')
  assert.equal(remarkOf('moose verify 1a2b3c4d'), 'runs the checks on the commit that is there and costs nothing')
  assert.equal(remarkOf('moose verify 1a2b3c4d --resolve'), 'has the model resolve the conflict, which is paid for')
  assert.equal(remarkOf('moose edit 1a2b3c4d --depends-on none'), 'has it wait for no other order')
  assert.equal(remarkOf('moose why 1a2b3c4d'), 'why that one stands where it stands')
  assert.match(String(remarkOf('moose adopt 1a2b3c4d')), /^gives the branch back/)
  for (const command of ['moose doctor', 'moose logs', 'moose edit 1a2b3c4d --file a']) {
    assert.equal(remarkOf(command), null)
  }
})

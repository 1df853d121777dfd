import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withRemark } from './command-remark.ts'

test('a command that is listed says in a few words what it does, and which of two asks a model anew', () => {
  assert.equal(withRemark('moose logs 1a2b3c4d'), 'moose logs 1a2b3c4d   # what happened')
  assert.match(withRemark('moose retry 1a2b3c4d'), /# carries it out again, told what failed; may be paid for$/)
  assert.match(withRemark('moose retry 1a2b3c4d --fresh'), /# asks the model anew, told of no failure; paid for$/)
  assert.match(withRemark('moose verify 1a2b3c4d'), /# runs the checks on the commit that is there; costs nothing$/)
  assert.match(withRemark('moose verify 1a2b3c4d --resolve'), /# the model resolves the conflict; paid for$/)
  assert.equal(withRemark('moose doctor'), 'moose doctor')
})

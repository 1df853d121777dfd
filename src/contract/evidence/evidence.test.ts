import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evidenceOf } from './evidence.ts'

/** What is shown of the output of a check that failed. */
function outputOf(kept: { outputTail: string; told?: string }) {
  const check = { name: 'tests', outcome: 'failed', durationMs: 1, proves: [], ...kept }
  const output = { failure: { code: 'check_failed' }, files: [], checks: [check] }
  const attempt_history = [{ number: 1, steps: [{ name: 'verify', output }] }]
  return evidenceOf({ acceptance_criteria: [], attempt_history, pull_request: null })?.checks[0]?.output
}

test('the useful part of an output comes first and is what fails, then the end of it', () => {
  assert.deepEqual(outputOf({ outputTail: 'ok 2\n# fail 1', told: 'not ok 1 - sums' }), [
    { text: 'not ok 1 - sums', failing: true },
    { text: 'ok 2\n# fail 1', failing: false },
  ])
})

const shown = (path: string) => [{ path, why: 'scope', bytes: 1 }]
const proposed = (path: string) => ({ name: 'propose', output: { response: { shown: shown(path) } } })
const verify = { name: 'verify', output: { failure: { code: 'check_failed' }, files: [], checks: [] } }
const error = { code: 'check_failed' }
const toldOf = (...attempt_history: Parameters<typeof evidenceOf>[0]['attempt_history']) => {
  const evidence = evidenceOf({ acceptance_criteria: [], attempt_history, pull_request: null })
  return evidence === null ? null : [evidence.attempt, evidence.failure, evidence.shown.map(({ path }) => path).join()]
}

test('what a model was shown last is told, also where that try failed, and where only its commit was verified', () => {
  const failed = (output: unknown) => ({ name: 'propose', output })
  const one = { number: 1, error, steps: [proposed('a'), verify, failed({ shown: shown('b') })] }
  assert.deepEqual(toldOf(one), [1, 'check_failed', 'b'])
  const untold = { number: 1, error, steps: [proposed('a'), verify, failed(null)] }
  assert.deepEqual(toldOf(untold, { number: 2, verifies: 1, error, steps: [verify] }), [2, 'check_failed', 'a'])
})

test('an attempt that asked a model and verified nothing is evidence only where no other has verified anything', () => {
  const rejected = {
    number: 2,
    error: { code: 'proposal_rejected' },
    steps: [{ name: 'propose', output: { shown: shown('b') } }],
  }
  assert.deepEqual(toldOf(rejected), [2, 'proposal_rejected', 'b'])
  assert.deepEqual(toldOf({ number: 1, error, steps: [proposed('a'), verify] }, rejected), [1, 'check_failed', 'a'])
  assert.equal(toldOf({ ...rejected, error: null }), null, 'it has not ended')
  assert.equal(toldOf({ ...rejected, steps: [] }), null, 'it asked no model')
  const leftOut = { ...rejected, steps: [proposed('a'), { name: 'verify', output: null, left_out: true }] }
  assert.equal(toldOf(leftOut), null, 'what it verified is not known')
})

test('in an output that is told as it is, and in one that an older Moose has kept, the lines that fail are marked', () => {
  const outputTail = `${'ok\n'.repeat(9)}not ok 10 - sums\n\n`.trimEnd()
  const spaced = `ok\n\n${outputTail}`
  assert.deepEqual(
    outputOf({ outputTail: spaced, told: `ok\n${outputTail}` })?.map(({ failing }) => failing),
    [false, true],
  )
  const parts = [
    { text: 'ok\n'.repeat(8).trimEnd(), failing: false },
    { text: 'ok\nnot ok 10 - sums', failing: true },
  ]
  assert.deepEqual(outputOf({ outputTail, told: outputTail }), parts)
  assert.deepEqual(outputOf({ outputTail }), parts)
})

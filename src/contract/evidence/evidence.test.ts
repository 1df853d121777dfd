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

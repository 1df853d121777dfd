import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFailure } from './verify.ts'

const OF_BASE = { failures: null, failedBefore: false, baseline: false, newFailures: null }
const TESTS = {
  name: 'tests',
  run: 'npm test',
  outcome: 'failed',
  exitCode: 1,
  durationMs: 1,
  proves: [],
  ...OF_BASE,
} as const
const failed = (outputTail: string) => checkFailure([{ ...TESTS, outputTail }])

test('a failed check quotes its last lines, or says that there are none', () => {
  assert.equal(failed('a\nb\n')?.message, 'Check "tests" (npm test) failed with exit code 1. Its last lines:\na\nb')
  assert.equal(failed(' \n')?.message, 'Check "tests" (npm test) failed with exit code 1. It printed nothing.')
})

test('a failed check quotes the useful part of its output where it is known, and names its one line apart', () => {
  const told = '--- FAIL: TestTotal (0.00s)\n    cart_test.go:12: Total() = 41, want 42'
  const failure = checkFailure([{ ...TESTS, outputTail: 'FAIL\nFAIL\tshop\t0.01s', told }])
  assert.equal(failure?.message, `Check "tests" (npm test) failed with exit code 1. What failed:\n${told}`)
  assert.equal(failure.details?.['said'], 'cart_test.go:12: Total() = 41, want 42')
  assert.match(String(checkFailure([{ ...TESTS, outputTail: '', told: '' }])?.message), /It printed nothing\.$/)
})

test('a check that failed before names what is new first, or says that it cannot be told', () => {
  const before = { ...TESTS, outputTail: 'not ok 4 - d', failedBefore: true }
  assert.equal(
    checkFailure([{ ...before, failures: ['a', 'b', 'd'], newFailures: ['d'] }])?.message,
    'Check "tests" (npm test) failed with exit code 1. New with this change: d. Before it 2 of the others failed as well. ' +
      'Its last lines:\nnot ok 4 - d',
  )
  assert.match(
    String(checkFailure([before])?.message),
    /cannot be told apart, so nothing of it counts as old\. Its last/,
  )
  assert.equal(checkFailure([{ ...before, failures: ['a'], newFailures: [], baseline: true }]), null)
})

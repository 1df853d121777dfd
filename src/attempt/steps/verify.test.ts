import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFailure } from './verify.ts'

const failed = (outputTail: string) =>
  checkFailure([
    { name: 'tests', run: 'npm test', outcome: 'failed', exitCode: 1, outputTail, durationMs: 1, proves: [] },
  ])

test('a failed check quotes its last lines, or says that there are none', () => {
  assert.equal(failed('a\nb\n')?.message, 'Check "tests" (npm test) failed with exit code 1. Its last lines:\na\nb')
  assert.equal(failed(' \n')?.message, 'Check "tests" (npm test) failed with exit code 1. It printed nothing.')
})

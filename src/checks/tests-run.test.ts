import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutputTail } from './output-tail.ts'
import { testsLost, testsRun } from './tests-run.ts'

const said: Record<string, [output: string, tests: number | null]> = {
  'nothing of tests': ['all good\n', null],
  'Node: some': ['✔ a (1ms)\nℹ tests 12\nℹ suites 0\nℹ pass 12\n', 12],
  'Node: none': ['ℹ tests 0\nℹ suites 0\nℹ pass 0\n', 0],
  'TAP: none': ['TAP version 13\n1..0\n# tests 0\n# pass 0\n', 0],
  'Jest: some': ['Test Suites: 2 passed, 2 total\nTests:       1 skipped, 4 passed, 5 total\n', 5],
  'Jest: none': ['No tests found, exiting with code 0\n', 0],
  'Vitest: some': [' Test Files  1 passed (1)\n      Tests  3 passed (3)\n', 3],
  'Vitest: none': ['No test files found, exiting with code 0\n', 0],
  'Mocha: none': ['\n\n  0 passing (1ms)\n\n', 0],
  'pytest: some': ['===== 7 passed, 1 skipped in 0.12s =====\n', 7],
  'unittest: none': ['Ran 0 tests in 0.000s\n\nOK\n', 0],
  'Go: one package with tests and one without': [
    'ok  \texample.com/a\t0.003s\n?   \texample.com/b\t[no test files]\n',
    1,
  ],
  'Go: none': ['?   \texample.com/b\t[no test files]\nok  \texample.com/a\t0.003s [no tests to run]\n', 0],
  'Cargo: tests, and none in the documentation': [
    'test result: ok. 3 passed; 0 failed; 0 ignored\nrunning 0 tests\ntest result: ok. 0 passed; 0 failed; 0 ignored\n',
    3,
  ],
  'Maven: none': ['[INFO] Tests run: 0, Failures: 0, Errors: 0, Skipped: 0\n', 0],
}

for (const [name, [output, tests]] of Object.entries(said))
  test(`tests are counted by what a runner says: ${name}`, () => assert.equal(testsRun(output), tests))

const AS_BEFORE = { outcome: 'passed', output_tail: 'ℹ tests 3\n' } as const
const lost = (outputTail: string, before: Parameters<typeof testsLost>[1] = AS_BEFORE) =>
  testsLost({ outcome: 'passed', outputTail }, before)

test('a check that ran tests on the base and runs none now has lost them', () => {
  assert.equal(lost('ℹ tests 0\n'), 'ran no test. On the base it ran 3.')
  assert.equal(lost('ℹ tests 1\n'), null)
  assert.equal(lost('fine\n'), null)
  assert.equal(lost('ℹ tests 0\n', { ...AS_BEFORE, output_tail: 'ℹ tests 0\n' }), null)
  assert.equal(lost('ℹ tests 0\n', { ...AS_BEFORE, output_tail: 'fine\n' }), null)
})

test('of an output whose beginning was left out nothing is told, because the tests may have been counted there', () => {
  const tail = new OutputTail()
  tail.add(`ℹ tests 12\n${'a line\n'.repeat(100)}ℹ tests 0\n`)
  assert.match(tail.read(100), /ℹ tests 0$/)
  assert.equal(lost(tail.read(100)), null)
  assert.match(String(lost(tail.read(10_000).replace('tests 12', 'tests 0'))), /^ran no test/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CheckResult } from '../ports/execution.ts'
import { judgedByBase } from './check-runner.ts'
import { hintOf, whyNotRunnable } from './set-up-fault.ts'

const ending = (outcome: CheckResult['outcome'], exit_code: number | null, output_tail = '') => ({
  outcome,
  exit_code,
  output_tail,
})
const why = (run: string, ...ended: Parameters<typeof ending>) =>
  whyNotRunnable({ run, timeoutMs: 2_000 }, ending(...ended))

const CANNOT_RUN: [run: string, ended: Parameters<typeof ending>, why: string][] = [
  ['pnpm test', ['crashed', 127, '/bin/bash: line 1: pnpm: command not found'], 'pnpm is missing (exit code 127)'],
  ['npm test', ['crashed', 127, '> shop@1 test\n> jest\n\nsh: 1: jest: not found'], 'jest is missing (exit code 127)'],
  ['x', ['crashed', 127], 'a program is missing (exit code 127)'],
  ['./x', ['crashed', 126, 'bash: ./x: Permission denied'], 'a program cannot be executed (exit code 126)'],
  [
    './x',
    [
      'crashed',
      null,
      'linking\nThe check was ended: it used more than 64 MB of memory (MOOSE_CHILD_MEMORY_MB). Where it needs more, raise it.',
    ],
    'it used more than 64 MB of memory (MOOSE_CHILD_MEMORY_MB)',
  ],
  ['x', ['timed_out', null], 'it did not end within 2 s'],
  [
    'make test',
    ['failed', 2, '/bin/sh: 1: pytest: not found\nmake: *** [Makefile:2: test] Error 127'],
    'pytest is missing (exit code 127)',
  ],
  [
    'python3 -m pytest -q',
    ['failed', 1, '/usr/bin/python3: No module named pytest'],
    'the Python module pytest is missing',
  ],
  ['npm run lint', ['failed', 1, 'npm error Missing script: "lint"'], 'the package has no script of this name'],
]

for (const [run, ended, expected] of CANNOT_RUN) {
  test(`what cannot be run: ${expected}`, () => assert.equal(why(run, ...ended), expected))
}

test('a check that ran and failed is none that cannot be run, whatever its tests print', () => {
  const printed = [
    "ModuleNotFoundError: No module named 'requests'",
    "Error: Cannot find module 'left-pad'",
    'the output says: foo: command not found here',
    'make: *** [Makefile:2: test] Error 1',
    'FAILED test_x.py::test_python - No module named pytest',
  ]
  for (const output of printed) assert.equal(why('pytest', 'failed', 2, output), null, output)
  assert.equal(why('x', 'passed', 0, 'make: *** [x] Error 127'), null)
})

const NEEDS_SERVICE = [
  'Error: connect ECONNREFUSED 127.0.0.1:5432',
  'Error: getaddrinfo ENOTFOUND api.example.com',
  'E   ConnectionRefusedError: [Errno 111] Connection refused',
  'Caused by: java.net.UnknownHostException: repo.example.com',
  'panic: dial tcp 127.0.0.1:6379: connect: connection refused',
  'dial tcp: lookup db.example.com: no such host',
  'psycopg.OperationalError: connection to server at "127.0.0.1", port 5432 failed: Connection refused',
  'curl: (6) Could not resolve host: example.com',
  'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
  'npm error audit endpoint returned an error',
]
const OTHER_VERSION = [
  ' ERR_PNPM_BAD_PM_VERSION  This project is configured to use v9.1.0 of pnpm. Your current pnpm is v10.0.0',
  'Error: ERR_PNPM_BAD_CONFIG_DEP\n\n  × resolve package manager dependencies\n  ╰─▶ Failed to resolve config dependency',
  'error This project\'s package.json defines "packageManager": "yarn@4.1.0". However the current global version of Yarn is 1.22.22.',
  'This project is configured to use yarn because /srv/app/package.json has a "packageManager" field',
]
const OTHER_TOOL = [
  '[ERROR] Detected Maven Version: 3.8.7 is not in the allowed range [3.9,).',
  '[ERROR] Detected JDK version 11.0.2 (JAVA_HOME=/opt/jdk) is not in the allowed range [17,).',
  'npm error code EBADENGINE',
  "ERROR: Package 'shop' requires a different Python: 3.9.2 not in '>=3.12'",
  'Current Python version (3.9.2) is not allowed by the project (^3.12).',
  'error: No interpreter found for Python >=3.15 in managed installations or search path',
  'go: go.mod requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)',
  'error: package `shop v0.1.0` cannot be built because it requires rustc 1.99 or newer',
]

test('what a failure suggests', () => {
  assert.match(
    String(hintOf(ending('failed', 2, "E   ModuleNotFoundError: No module named 'requests'"))),
    /missing dependency/,
  )
  assert.match(String(hintOf(ending('failed', 1, 'the input device is not a TTY'))), /terminal/)
  assert.match(String(hintOf(ending('timed_out', null, 'Install it now? [y/N]:'))), /question/)
  assert.equal(hintOf(ending('failed', 1, '1 !== 2')), null)
  for (const line of NEEDS_SERVICE) assert.match(String(hintOf(ending('failed', 1, line))), /a service that/, line)
  for (const line of OTHER_TOOL) assert.match(String(hintOf(ending('failed', 1, line))), /version of a tool/, line)
  for (const line of OTHER_VERSION) assert.match(String(hintOf(ending('failed', 1, line))), /another version/, line)
  assert.equal(hintOf(ending('passed', 0, 'not a tty')), null)
})

const BASE = { name: 't', run: 't', duration_ms: 1, fault: null, hint: null }
const AFTER = {
  name: 't',
  run: 't',
  durationMs: 1,
  outputTail: '',
  proves: [0],
  failedBefore: false,
  baseline: false,
  newFailures: null,
}
const judged = (
  before: [exitCode: number, failures: string[] | null],
  after: [exitCode: number, failures: string[] | null],
) =>
  judgedByBase(
    { ...AFTER, outcome: 'failed', exitCode: after[0], failures: after[1] },
    { ...BASE, ...ending('failed', before[0]), failures: before[1] },
    '',
  )

test('only failures that are all known to be old are baseline, and prove nothing', () => {
  const same = judged([1, ['a', 'b']], [1, ['b']])
  assert.deepEqual([same.baseline, same.newFailures, same.proves], [true, [], []])
  assert.deepEqual(
    [judged([1, ['a']], [1, ['a', 'c']]).newFailures, judged([1, ['a']], [1, ['a', 'c']]).baseline],
    [['c'], false],
  )
  for (const [before, after] of [
    [
      [1, null],
      [1, ['a']],
    ],
    [
      [1, ['a']],
      [1, null],
    ],
    [
      [1, ['a']],
      [1, []],
    ],
    // pytest ends with 1 when tests fail and with 2 when a file cannot be collected.
    [
      [1, ['a']],
      [2, ['a']],
    ],
  ] as [[number, string[] | null], [number, string[] | null]][]) {
    const { baseline, newFailures, failedBefore } = judged(before, after)
    assert.deepEqual([baseline, newFailures, failedBefore], [false, null, true])
  }
  assert.equal(judged([3, ['a', 'b', 'c']], [2, ['a', 'b']]).baseline, true, 'Mocha ends with the number of failures')
})

test('what passed on the base is as it is, and what is ended by its time is never old', () => {
  const failed = { ...AFTER, outcome: 'failed', exitCode: 1, failures: ['a'] } as const
  const passed = judgedByBase(failed, { ...BASE, ...ending('passed', 0), failures: null }, '')
  assert.deepEqual([passed.failedBefore, passed.baseline, passed.proves], [false, false, [0]])
  const late = { ...failed, outcome: 'timed_out', exitCode: null, failures: null } as const
  assert.equal(judgedByBase(late, { ...BASE, ...ending('failed', 1), failures: ['a'] }, '').baseline, false)
})

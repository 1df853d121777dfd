import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { FAILING_SUITES } from '../../../test/support/failing-suites/all-suites.ts'
import { createRedaction } from '../../redaction/redaction.ts'
import { FailureExcerpt } from './failure-excerpt.ts'
import { KnownFailures } from './kept-failures.ts'
import { junitFailures } from './report/junit.ts'

const RECORDINGS = path.join(import.meta.dirname, '../../../test/fixtures/failing-suites')
const MOST_BYTES = 4_000

function toldOf(pieces: Iterable<string>, { most = MOST_BYTES, redacted = (text: string) => text } = {}): string {
  const excerpt = new FailureExcerpt('/tree', redacted)
  for (const piece of pieces) excerpt.add(piece)
  return excerpt.read(most)
}

/** Of a length, as a pipe gives them. */
function* piecesOf(text: string, length: number): Generator<string> {
  for (let at = 0; at < text.length; at += length) yield text.slice(at, at + length)
}

const NOISE = Array.from({ length: 400 }, (_, index) => `step ${index} is done\n`).join('')
const bytes = (text: string) => Buffer.byteLength(text)

test('of sixty recorded outputs of failing suites the assertion or the first error is told', async (t) => {
  assert.equal(FAILING_SUITES.length, 60)
  for (const { name, told } of FAILING_SUITES) {
    await t.test(name, () => {
      const output = readFileSync(path.join(RECORDINGS, `${name}.txt`), 'utf8')
      const excerpt = toldOf(piecesOf(output, 37))
      assert.ok(bytes(excerpt) <= MOST_BYTES, `${bytes(excerpt)} bytes`)
      assert.deepEqual(
        told.filter((line) => !excerpt.includes(line)),
        [],
        excerpt,
      )
      assert.equal(toldOf([output]), excerpt, 'in one piece it is the same')
    })
  }
})

test('frames of packages, runners and toolchains are left out, those of the project stay', () => {
  const output = `${NOISE}TypeError: no price
    at price (/tree/src/cart.js:3:9)
    at run (/tree/node_modules/runner/index.js:1:1)
    at node:internal/process/task_queues:95:5
${NOISE}java.lang.IllegalStateException: no order
\tat org.junit.jupiter.api.Assertions.fail(Assertions.java:1)
\tat shop.Order.read(Order.java:7)
Traceback (most recent call last):
  File "/tree/.venv/lib/python3.12/site-packages/lib/core.py", line 9, in call
    return call()
  File "/tree/app.py", line 4, in main
    read()
ValueError: no file
`
  const told = toldOf([output])
  for (const line of [
    'TypeError: no price',
    'at price (src/cart.js:3:9)',
    'shop.Order.read',
    'File "app.py"',
    'ValueError',
  ])
    assert.ok(told.includes(line), `${line} in ${told}`)
  assert.doesNotMatch(told, /node_modules|task_queues|junit|site-packages|return call/)
})

test('first failures come before later ones, each once, and the others are counted and named', () => {
  const failures = Array.from(
    { length: 100 },
    (_, index) => `--- FAIL: Test${index} (0.00s)\n    a_test.go:${index}: boom ${index}\n`,
  )
  const told = toldOf([NOISE, ...failures, failures[0] ?? '', 'FAIL\n'])
  assert.match(told, /^--- FAIL: Test0 \(0\.00s\)\n {4}a_test\.go:0: boom 0\n\n--- FAIL: Test1 /)
  assert.equal(told.split('boom 0\n').length, 2)
  const shown = told.match(/boom \d+/g)?.length
  assert.match(told, new RegExp(`\\[… ${100 - Number(shown)} more failures left out: --- FAIL: Test${shown} `))
})

test('an account that is longer than there is room keeps what says most, and says that it goes on', () => {
  const lines = Array.from({ length: 20 }, (_, index) => `    line ${index} ${'x'.repeat(200)}\n`).join('')
  const told = toldOf(
    [
      NOISE,
      `FAIL a.test.js\n  ● cart › totals\n\n    expect(received).toBe(expected)\n\n${lines}    Expected: 42\n    Received: 41\n\n      at a.test.js:1:2\n`,
      'Tests: 1 failed\n',
    ],
    { most: 1_200 },
  )
  assert.match(told, /● cart › totals\n.*toBe[^]*Expected: 42\n {4}Received: 41[^]*\[…\]/)
  assert.ok(bytes(told) <= 1_200)
})

test('of an output that names no failure the beginning and the end are told', () => {
  const told = toldOf(['building\n', NOISE, 'giving up\n'])
  assert.match(told, /^building\nstep 0 is done\n/)
  assert.match(told, /\n\[… \d+ lines left out …\]\n[^]*\ngiving up$/)
  assert.equal(toldOf([]), '')
  assert.equal(toldOf(['giving up\n']), 'giving up')
})

test('words that say so are told where no tool does, and counts of what went well are none', () => {
  const told = toldOf([NOISE, '0 errors, 0 failures\n', NOISE, 'ERROR: the schema of orders is missing\n', NOISE])
  assert.match(told, /ERROR: the schema of orders is missing/)
  assert.doesNotMatch(told, /0 errors/)
})

test('what does not fit is cut between characters, whatever the output is', () => {
  const marks = [
    'not ok 1 - ',
    'Error: ',
    'E   ',
    '\u001b[31m',
    '\r',
    '\n',
    ' FAIL  a > b\n',
    '\u001b]',
    '\ud83e',
    '\udd8c',
    '🦌',
  ]
  const piece = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.constantFrom(...marks))
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.integer({ min: 600, max: 1_200 }), (pieces, most) => {
      const told = toldOf(pieces, { most })
      assert.ok(bytes(told) <= most, `${bytes(told)} of ${most}`)
      assert.ok(told.isWellFormed() && !/[^\P{Cc}\n\t]/u.test(told))
    }),
  )
})

test('a secret does not survive a cut, wherever it stands in a line', () => {
  const value = 'sk-0123456789abcdefghijklmnopqrstuvwxyz'
  const redacted = createRedaction([{ value, written: value }])
  for (const before of [480, 490, 498, 7_900, 8_160, 8_170, 8_180]) {
    for (const filling of ['x', 'x\r']) {
      const line = `Error: ${filling.repeat(before / filling.length)}\u001b[1m${value.slice(0, 9)}\u001b[0m${value.slice(9)}${' and so on'.repeat(300)}\n`
      for (const output of [line, `${NOISE}${line}${NOISE}`, `${NOISE}${line.slice('Error: '.length)}`]) {
        const told = toldOf(piecesOf(output, 1_000), { redacted })
        assert.ok(!told.includes(value.slice(0, 6)), `${before}: ${told}`)
      }
    }
  }
})

test('300,000 failures, a line of 50 MB and sequences within sequences are read in linear time and little memory', async (t) => {
  const cpuMs = (run: () => void): number => {
    const before = process.threadCpuUsage()
    run()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1_000
  }
  const floods: Record<string, () => Generator<string>> = {
    'failures of many formats': function* () {
      const lines = [
        '--- FAIL: T@ (0.00s)',
        '    a_test.go:@: boom',
        'not ok @ - x',
        'src/a.ts(@,1): error TS1: x',
        'E   assert @',
      ]
      for (let at = 0; at < 300_000; at += 1) yield `${String(lines[at % lines.length]).replace('@', String(at))}\n`
    },
    'short lines': function* () {
      for (let at = 0; at < 250; at += 1) yield 'y\n'.repeat(50_000)
    },
    'empty lines': function* () {
      for (let at = 0; at < 600; at += 1) yield '\n'.repeat(50_000)
    },
    'one line': function* () {
      for (let at = 0; at < 800; at += 1) yield 'Error: x '.repeat(7_282)
    },
    'sequences within sequences': function* () {
      for (let at = 0; at < 300; at += 1) yield '\u001b[\u001b]0;\u001b[3\u001b[1mFAILED\u001b'.repeat(1_000)
    },
    'subtests that are never told': function* () {
      for (let at = 0; at < 200_000; at += 1) yield `=== RUN   T${at}\n    a_test.go:1: said\n`
    },
  }
  for (const [name, flood] of Object.entries(floods)) {
    await t.test(name, () => {
      const before = process.memoryUsage().rss
      const took = cpuMs(() => assert.ok(bytes(toldOf(flood())) <= MOST_BYTES))
      const grown = process.memoryUsage().rss - before
      assert.ok(took < 20_000, `${took.toFixed(0)} ms`)
      assert.ok(grown < 200_000_000, `${grown} bytes`)
      t.diagnostic(`${name}: ${took.toFixed(0)} ms, ${Math.round(grown / 1e6)} MB`)
    })
  }
})

const SMALL_PYTEST = `============================= test session starts ==============================
collected 2 items

tests/test_cart.py .F                                                    [100%]

=================================== FAILURES ===================================
_________________________________ test_totals __________________________________

    def test_totals():
>       assert total([20, 21]) == 42
E       assert 41 == 42
E        +  where 41 = total([20, 21])

tests/test_cart.py:5: AssertionError
=========================== short test summary info ============================
FAILED tests/test_cart.py::test_totals - assert 41 == 42
========================= 1 failed, 1 passed in 0.02s ==========================
`

test('of a small output too the failing part is told, where a tool reports one', () => {
  assert.match(toldOf([SMALL_PYTEST]), /^test_totals\n.*assert 41 == 42/s)
  assert.doesNotMatch(toldOf([SMALL_PYTEST]), /session starts|collected|\[100%\]|summary info/)
  assert.equal(toldOf(['building\nerror in the plan\n']), 'building\nerror in the plan', 'all of what no tool reports')
})

test('what a report and the output say of the same failure is told once', () => {
  const xml = `<testsuite><testcase classname="tests.test_cart" name="test_totals">
<failure message="assert 41 == 42&#10; +  where 41 = total([20, 21])">def test_totals():
&gt;       assert total([20, 21]) == 42
E       assert 41 == 42
E        +  where 41 = total([20, 21])

tests/test_cart.py:5: AssertionError</failure></testcase></testsuite>`
  const excerpt = new FailureExcerpt('/tree', (text) => text)
  const other = '--- FAIL: TestOther (0.00s)\n    a_test.go:7: got 1, want 2\n'
  excerpt.add(`${other}FAIL\n${SMALL_PYTEST}`)
  const told = excerpt.read(MOST_BYTES, { reported: junitFailures(xml).blocks, added: [], old: 0 })
  assert.equal(told.split('assert 41 == 42').length - 1, 1, told)
  assert.match(told, /^tests\.test_cart › test_totals\n/)
  assert.match(told, /got 1, want 2/, 'what the report does not hold is told as well')
})

const OLD_NAME = 'tests › signs in with'

test('a secret in the name of what failed before is taken out before the name is cut', () => {
  const value = 'sk-0123456789abcdefghijklmnopqrstuvwxyz'
  const redacted = createRedaction([{ value, written: value }])
  for (const filling of ['', 'x'.repeat(80)]) {
    const name = `${OLD_NAME} ${filling}${value}`
    const xml = `<t><testcase name="${name}"><failure>1 !== 2</failure></testcase></t>`
    const known = new KnownFailures([name, `junit: ${name}`])
    const excerpt = new FailureExcerpt('/tree', redacted, known)
    excerpt.add(
      `test at a.js:1:1\n✖ ${name} (1ms)\n  Error: 3 !== 4\ntest at a.js:2:1\n✖ new (1ms)\n  Error: 5 !== 6\n`,
    )
    for (const reported of [[], junitFailures(xml, known).blocks]) {
      const told = excerpt.read(MOST_BYTES, { reported, added: ['new'], old: 1 })
      assert.match(told, new RegExp(`failed before this change as well left out: (?:junit: )?${OLD_NAME}`))
      assert.ok(!told.includes(value.slice(0, 6)), told)
    }
  }
})

test('of the output in which failures stood nothing is kept but them, and of a long name no more than can be compared', () => {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  assert.ok(typeof collect === 'function')
  const heap = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const excerpt = new FailureExcerpt('/tree', (text) => text)
  excerpt.add(NOISE)
  const before = heap()
  for (let at = 0; at < 60; at += 1)
    excerpt.add(
      `test at a.js:${at}:1\n✖ test ${at} ${'🦌'.repeat(3_000)} (1ms)\n  Error: ${at} !== 0\n${NOISE.repeat(4)}`,
    )
  excerpt.add(NOISE)
  const grown = heap() - before
  assert.ok(grown < 1_000_000, `${grown} bytes`)
  assert.match(excerpt.read(MOST_BYTES), /✖ test 0/)
})

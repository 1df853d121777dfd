import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { plainText } from '../redaction/plain-text.ts'
import { FailingTests, newFailures } from './failing-tests.ts'

const OUTPUTS = path.join(import.meta.dirname, '../../test/fixtures/check-outputs')

/** Read in pieces, as a pipe gives them. */
function failuresIn(output: string): readonly string[] | null {
  const failing = new FailingTests('/tree')
  for (let at = 0; at < output.length; at += 37) failing.add(output.slice(at, at + 37))
  return failing.read()
}

const recorded = (name: string) => readFileSync(path.join(OUTPUTS, name), 'utf8')

const node = ['adds (two) numbers', 'cart > taxes', 'cart > deep > totals', 'cart > deep', 'cart']
const nodeTests = [...node, 'outer > inner b', 'outer', 'b.test.mjs']
const jest = ['a.test.js: cart › totals', 'a.test.js: cart › deep › a › b', 'a.test.js: top']
const surefire = ['x.AppTest.adds', 'x.AppTest.throwsIt', 'x.AppTest$Deep.x']
const pyTests = ['ERROR: test_e (test_a.T.test_e)', 'FAIL: test_s (test_a.T.test_s) (i=0)']
const tscErrors = [
  "a.ts:1: TS2322: Type 'string' is not assignable to type 'number'.",
  "a.ts:2: TS2304: Cannot find name 'foo'.",
  "a.ts:3: TS2322: Type 'number' is not assignable to type 'string'.",
  "b.ts:1: TS2322: Type '{ a: string; c: { d: number; }; }' is not assignable to type 'number'.",
  "b.ts:2: TS2322: Type 'number' is not assignable to type 'string'.",
]

/** What the tools printed, and what of it fails. */
const RECORDED: Record<string, readonly string[]> = {
  'node-spec.txt': nodeTests.map((name) => `node: ${name}`),
  'node-tap.txt': nodeTests.map((name) => `tap: ${name}`),
  'jest.txt': [...jest, 'b.test.js: Test suite failed to run'].map((name) => `jest: ./${name}`),
  'jest-verbose.txt': [...jest, 'b.test.js: Test suite failed to run'].map((name) => `jest: ./${name}`),
  'vitest.txt': ['b.spec.mjs [ b.spec.mjs ]', 'a.spec.mjs > cart > totals', 'a.spec.mjs > top'].map(
    (name) => `vitest: ${name}`,
  ),
  'mocha.txt': ['mocha: top', 'mocha: cart > totals', 'mocha: cart > deep > x'],
  'tsc.txt': tscErrors.map((error) => `tsc: ${error}`),
  'tsc-pretty.txt': tscErrors.map((error) => `tsc: ${error}`),
  'eslint.txt': [
    'a.js:1: Missing semicolon semi',
    "a.js:2: 'foo' is not defined no-undef",
    "a.js:3: 'bar' is not defined no-undef",
    'a.js:3: Missing semicolon semi',
    'eslint.config.mjs:1: Missing semicolon semi',
    'p.js:1: Missing semicolon semi',
  ].map((error) => `eslint: ${error}`),
  'prettier.txt': ['prettier: a.js', 'prettier: eslint.config.mjs', 'prettier: p.js'],
  'pytest.txt': ['pytest: ERROR test_b.py'],
  'pytest-more.txt': [
    'FAILED test_a.py::test_p[a - b]',
    'FAILED test_a.py::test_p[c [d]]',
    'FAILED test_a.py::TestC::test_m',
    'FAILED test_a.py::T::test_e',
    'SUBFAILED(i=0) test_a.py::T::test_s',
    'SUBFAILED(i=2) test_a.py::T::test_s',
    'FAILED test_a.py::T::test_u',
    'ERROR test_a.py::test_f',
  ].map((name) => `pytest: ${name}`),
  'unittest.txt': [
    pyTests[0],
    'ERROR: test_b (unittest.loader._FailedTest.test_b)',
    pyTests[1],
    'FAIL: test_s (test_a.T.test_s) (i=2)',
    'FAIL: test_u (test_a.T.test_u)',
  ].map((name) => `unittest: ${name}`),
  'mypy.txt': [
    'lint: m.py:3: error: Incompatible return value type (got "int", expected "str")  [return-value]',
    'lint: m.py:4: error: Argument 1 to "f" has incompatible type "str"; expected "int"  [arg-type]',
  ],
  'ruff.txt': [
    'lint: m.py:1: I001 [*] Import block is un-sorted or un-formatted',
    'lint: m.py:1: F401 [*] `os` imported but unused',
  ],
  'ruff-concise.txt': [
    'lint: m.py:1: I001 [*] Import block is un-sorted or un-formatted',
    'lint: m.py:1: F401 [*] `os` imported but unused',
  ],
  'flake8.txt': [
    "lint: m.py:1: F401 'os' imported but unused",
    'lint: m.py:2: E302 expected 2 blank lines, found 0',
    'lint: m.py:4: E305 expected 2 blank lines after class or function definition, found 0',
  ],
  'black.txt': ['format: m.py', 'format: test_a.py'],
  'ruff-format.txt': ['format: m.py', 'format: test_a.py'],
  'go.txt': [
    'c/c.go:2: undefined: foo',
    'c/c.go:3: cannot use "a" (untyped string constant) as int value in variable declaration',
    'example.com/x/a TestX',
    'example.com/x/a TestX/sub_one',
    'example.com/x/a TestY',
    'example.com/x/b TestP',
    'example.com/x/c [build failed]',
    'd/d_test.go:3: fmt.Printf format %d has arg "a" of wrong type string',
    'example.com/x/d [build failed]',
  ].map((name) => `go: ${name}`),
  'govet.txt': [
    'go: c/c.go:3: cannot use "a" (untyped string constant) as int value in variable declaration',
    'go: d/d_test.go:3: fmt.Printf format %d has arg "a" of wrong type string',
  ],
  'cargo-nff.txt': [
    'cargo: src/lib.rs: tests::p - should panic',
    'cargo: src/lib.rs: tests::works',
    'cargo: tests/i.rs: it',
    'cargo: x: src/lib.rs - d',
  ],
  'cargo-err.txt': [
    'rustc: src/lib.rs:1: error[E0425]: cannot find value `c` in this scope',
    'rustc: src/lib.rs:2: error[E0308]: mismatched types',
  ],
  'maven.txt': surefire.map((name) => `maven: ${name}`),
  'maven-q.txt': surefire.map((name) => `maven: ${name}`),
  'maven-err.txt': ['javac: src/main/java/x/App.java:1: cannot find symbol'],
}

test('the failures that each tool has printed are read by name', async (t) => {
  for (const [file, names] of Object.entries(RECORDED)) {
    await t.test(file, () => {
      const found = failuresIn(recorded(file))
      assert.deepEqual(found === null ? null : found.toSorted(), names.toSorted())
    })
  }
})

/** Of each tool that counts its failures, one line that names one. */
const ONE_FAILURE: Record<string, string> = {
  'node-tap.txt': 'not ok 1 - adds',
  'jest.txt': '  ● top',
  'vitest.txt': ' > top',
  'mocha.txt': '  3) cart',
  'tsc-pretty.txt': 'TS2304',
  'eslint.txt': 'no-undef',
  'prettier.txt': '[warn] p.js',
  'pytest-more.txt': 'FAILED test_a.py::T::test_u',
  'unittest.txt': 'FAIL: test_u',
  'mypy.txt': '[arg-type]',
  'ruff.txt': 'm.py:1:8',
  'black.txt': 'test_a.py',
  'cargo-nff.txt': 'test it ...',
  'cargo-err.txt': '--> src/lib.rs:2:16',
  'maven.txt': 'x.AppTest.adds -- Time',
}

test('a report that counts more failures than it names cannot be told', async (t) => {
  for (const [file, line] of Object.entries(ONE_FAILURE)) {
    await t.test(file, () => {
      const lines = recorded(file).split('\n').map(plainText)
      const at = lines.findLastIndex((text) => text.includes(line))
      assert.notEqual(at, -1)
      assert.equal(failuresIn(lines.toSpliced(at, 1).join('\n')), null)
    })
  }
})

test('a tool that stopped at its first failures has not told all of them', () => {
  assert.equal(failuresIn(recorded('cargo.txt')), null)
  const pytest = `FAILED t.py::a - x\n${'!'.repeat(26)} stopping after 1 failures ${'!'.repeat(26)}\n1 failed in 0.1s\n`
  assert.equal(failuresIn(pytest), null)
  const reactor = '[INFO] a ................... FAILURE [  0.712 s]\n[INFO] b ................... SKIPPED\n'
  assert.equal(failuresIn(`${recorded('maven.txt')}\n${reactor}`), null)
})

test('an output that names no failure cannot be told', () => {
  for (const output of [
    '',
    'FAILED\n',
    '1 failed\n',
    'Error: boo\n    at x (a.js:1:2)\n',
    'panic: x\n',
    'make: *** [test] Error 1\n',
  ])
    assert.equal(failuresIn(output), null, output)
})

test('the target of make around a report is a failure too', () => {
  const output = `${recorded('govet.txt')}make: *** [Makefile:3: lint] Error 1\n`
  assert.equal(failuresIn(output)?.at(-1), 'make: lint')
})

test('an output of one endless line, and one with too many failures, cannot be told', () => {
  assert.equal(failuresIn(`${recorded('go.txt')}${'x'.repeat(20_000)}`), null)
  const many = Array.from({ length: 2_001 }, (_, at) => `FAILED a.py::t${at}`).join('\n')
  assert.equal(failuresIn(`${many}\n2001 failed in 1.0s\n`), null)
  assert.equal(failuresIn(`${many.slice(0, many.lastIndexOf('\n'))}\n2000 failed in 1.0s\n`)?.length, 2_000)
})

test('what was not reported before, or less often, is new', () => {
  assert.deepEqual(newFailures(['b', 'a'], ['a']), [])
  assert.deepEqual(newFailures(['b', 'a'], ['c', 'a', 'b']), ['c'])
  assert.deepEqual(newFailures(['a', 'a'], ['a', 'a', 'a']), ['a'])
  assert.deepEqual(newFailures([], ['a']), ['a'])
})

test('what cannot be told on either side is not called old', () => {
  assert.equal(newFailures(null, ['a']), null)
  assert.equal(newFailures(['a'], null), null)
  assert.equal(newFailures(null, null), null)
})

test('output that is made to fill the memory, or to end the process, is no longer read', () => {
  const read = (...parts: readonly string[]) => {
    const failing = new FailingTests('/tree')
    for (const part of parts) failing.add(part)
    return failing.read()
  }
  const suites = Array.from({ length: 500 }, (_, depth) => `${' '.repeat(4 * depth)}# Subtest: ${'a'.repeat(1_500)}\n`)
  const before = process.memoryUsage().rss
  const deep = `${' '.repeat(2_000)}not ok 1 - x\n`.repeat(900)
  assert.equal(read(...suites, deep), null, 'each of its names has a megabyte of suites')
  const grown = process.memoryUsage().rss - before
  assert.ok(grown < 200_000_000, `${grown} bytes`)
  const goTests = '--- FAIL: TestA (0.00s)\n'.repeat(150_000)
  assert.equal(read(goTests, 'FAIL\tx\t0.1s\n'), null, 'more arguments than a call can have')
  const once = 'FAILED t.py::a - x\n1 failed in 0.1s\n'
  assert.deepEqual(read('.\n'.repeat(1_000), once), ['pytest: FAILED t.py::a'])
  assert.equal(read('.\n'.repeat(100_000), once), null, 'more lines than are read')
  assert.deepEqual(read('\n'.repeat(100_000), once), ['pytest: FAILED t.py::a'])
  assert.equal(read('\n'.repeat(1_000_000), once), null, 'more lines than are read, all of them empty')
  assert.equal(read(`${'x'.repeat(3_000)}\n`.repeat(12_000), once), null, 'more characters than are read')
})

test('a package of a workspace that fails in its own way is not hidden by another that failed before', () => {
  const known = '✖ old fails (1.2ms)\nℹ tests 1\nℹ fail 1\n'
  const npm = (name: string) => `npm error code 1\nnpm error path /tree/${name}\nnpm error workspace ${name}@1.0.0\n`
  const pnpm = (name: string) => `packages/${name} test: Failed\n`
  for (const failed of [npm, pnpm]) {
    const before = failuresIn(known + failed('a'))
    const after = failuresIn(`${known}${failed('a')}something broke\n${failed('b')}`)
    assert.equal(newFailures(before, after)?.length, 1)
  }
})

test('names of a report count where no tool that is known printed a failure', () => {
  const read = (output: string) => {
    const failing = new FailingTests('/tree')
    failing.add(output)
    return failing.read(['junit: money › old one'])
  }
  assert.deepEqual(read('money: old one is wrong\n'), ['junit: money › old one'])
  assert.deepEqual(read('1..1\nnot ok 1 - a\n'), ['tap: a'])
  assert.equal(read('FAILED a.py::b - x\n!!! stopping after 1 failures !!!\n=== 1 failed in 0.1s ===\n'), null)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailingTests, newFailures } from '../failing-tests.ts'
import { FailureExcerpt } from './failure-excerpt.ts'
import { key } from './failure-format.ts'
import { KeptFailures, KnownFailures } from './kept-failures.ts'
import { junitFailures } from './report/junit.ts'
import { sarifFailures } from './report/sarif.ts'

const MOST_BYTES = 4_000

function failuresIn(output: string): readonly string[] {
  const failing = new FailingTests('/tree')
  failing.add(output)
  const names = failing.read()
  assert.ok(names !== null, output.slice(-500))
  return names
}

/** What is told of an output, and what tells it apart, where another failed on the base. */
function judged(base: string, output: string) {
  const [before, after] = [failuresIn(base), failuresIn(output)]
  const added = newFailures(before, after)
  assert.ok(added !== null)
  const excerpt = new FailureExcerpt('/tree', (text) => text, new KnownFailures(before))
  excerpt.add(output)
  const of = { reported: [], added, old: after.length - added.length }
  return { added, told: excerpt.read(MOST_BYTES, of), identity: excerpt.identity(of) }
}

type Failure = { name: string; says: string; at: number }
/** The output of a tool of which these failed. */
type Suite = (failing: readonly Failure[]) => string

const each = (failing: readonly Failure[], one: (failure: Failure) => string) => failing.map(one).join('')

const SUITES: Record<string, Suite> = {
  TAP: (failing) =>
    `TAP version 13\n${each(failing, ({ name, says, at }) => `# Subtest: ${name}\nnot ok ${at} - ${name}\n  ---\n  error: |-\n    ${says}\n  ...\n`)}1..${failing.length}\n# fail ${failing.length}\n# duration_ms 12.5\n`,
  'TAP of one suite': (failing) =>
    `TAP version 13\n# Subtest: all\n${each(failing, ({ name, says, at }) => `    # Subtest: ${name}\n    not ok ${at} - ${name}\n      ---\n      error: |-\n        ${says}\n      ...\n`)}    1..${failing.length}\nnot ok 1 - all\n  ---\n  failureType: 'subtestsFailed'\n  ...\n1..1\n`,
  'node --test': (failing) =>
    `${each(failing, ({ name }) => `✖ ${name} (1.2ms)\n`)}ℹ tests ${failing.length}\nℹ fail ${failing.length}\n\n✖ failing tests:\n${each(failing, ({ name, says, at }) => `\ntest at a.test.js:${at}:1\n✖ ${name} (1.2ms)\n  AssertionError [ERR_ASSERTION]: ${says}\n`)}`,
  Jest: (failing) =>
    `FAIL ./a.test.js\n${each(failing, ({ name, says }) => `  ● cart › ${name}\n\n    expect(received).toBe(expected)\n\n    ${says}\n\n`)}Test Suites: 1 failed, 1 total\nTests:       ${failing.length} failed, ${failing.length} total\n`,
  Vitest: (failing) =>
    `${each(failing, ({ name }) => `   × ${name} 3ms\n`)}⎯⎯⎯⎯⎯⎯⎯ Failed Tests ${failing.length} ⎯⎯⎯⎯⎯⎯⎯\n\n${each(failing, ({ name, says }) => ` FAIL  a.spec.mjs > cart > ${name}\nAssertionError: ${says}\n❯ a.spec.mjs:3:1\n⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[1/1]⎯\n\n`)} Test Files  1 failed (1)\n      Tests  ${failing.length} failed (${failing.length})\n`,
  Mocha: (failing) =>
    `  0 passing (3ms)\n  ${failing.length} failing\n\n${each(failing, ({ name, says, at }) => `  ${at}) cart\n       ${name}:\n\n      AssertionError: ${says}\n      at a.test.js:3:1\n\n`)}`,
  pytest: (failing) =>
    `=== FAILURES ===\n${each(failing, ({ name, says }) => `____ TestCart.${name} ____\n\n>       assert total()\nE       assert ${says}\n\ntest_a.py:5: AssertionError\n`)}=== short test summary info ===\n${each(failing, ({ name, says }) => `FAILED test_a.py::TestCart::${name} - assert ${says}\n`)}=== ${failing.length} failed in 0.02s ===\n`,
  unittest: (failing) =>
    `${each(failing, ({ name, says }) => `${'='.repeat(70)}\nFAIL: ${name} (test_a.T.${name})\n${'-'.repeat(70)}\nTraceback (most recent call last):\n  File "/tree/test_a.py", line 3, in ${name}\n    self.assertEqual()\nAssertionError: ${says}\n\n`)}${'-'.repeat(70)}\nRan 200 tests in 0.1s\n\nFAILED (failures=${failing.length})\n`,
  'go test': (failing) =>
    `${each(failing, ({ name, says, at }) => `--- FAIL: Test_${name} (0.00s)\n    a_test.go:${at}: ${says}\n`)}FAIL\nFAIL\texample.com/x/a\t0.01s\nFAIL\n`,
  'go build': (failing) =>
    `# example.com/x/c\n${each(failing, ({ name, says, at }) => `c/c.go:${at}:2: undefined: ${name} ${says}\n`)}FAIL\texample.com/x/c [build failed]\n`,
  cargo: (failing) =>
    `     Running unittests src/lib.rs (target/debug/deps/x-1)\n${each(failing, ({ name }) => `test tests::${name} ... FAILED\n`)}\nfailures:\n\n${each(failing, ({ name, says, at }) => `---- tests::${name} stdout ----\n\nthread 'tests::${name}' panicked at src/lib.rs:${at}:9:\nassertion \`left == right\` failed\n  ${says}\n\n`)}\ntest result: FAILED. 0 passed; ${failing.length} failed; 0 ignored\n`,
  rustc: (failing) =>
    `${each(failing, ({ name, says, at }) => `error[E0425]: cannot find value \`${name}\` ${says}\n --> src/lib.rs:${at}:3\n  |\n\n`)}error: could not compile \`x\` (lib) due to ${failing.length} previous errors\n`,
  Maven: (failing) =>
    `${each(failing, ({ name, says }) => `[ERROR] x.AppTest.${name} -- Time elapsed: 0.01 s <<< FAILURE!\norg.opentest4j.AssertionFailedError: ${says}\n\n`)}[ERROR] Tests run: 200, Failures: ${failing.length}, Errors: 0, Skipped: 0\n`,
  javac: (failing) =>
    each(failing, ({ name, says, at }) => `[ERROR] src/App.java:[${at},3] cannot find ${name} ${says}\n`),
  Gradle: (failing) =>
    `${each(failing, ({ name, says }) => `AppTest > ${name} FAILED\n    AssertionFailedError: ${says}\n\n`)}${failing.length} tests completed, ${failing.length} failed\n`,
  tsc: (failing) =>
    each(failing, ({ name, says, at }) => `src/a.ts(${at},7): error TS2322: Type ${name} is not ${says}.\n`),
  'tsc for a terminal': (failing) =>
    each(failing, ({ name, says, at }) => `src/a.ts:${at}:7 - error TS2322: Type ${name} is not ${says}.\n`),
  ESLint: (failing) =>
    `/tree/a.js\n${each(failing, ({ name, says, at }) => `  ${at}:5  error  '${name}' is ${says}  no-undef\n`)}\n✖ ${failing.length} problems (${failing.length} errors, 0 warnings)\n`,
  mypy: (failing) =>
    `${each(failing, ({ name, says, at }) => `m.py:${at}: error: ${name} ${says}  [return-value]\n`)}Found ${failing.length} errors in 1 file (checked 1 source file)\n`,
  Ruff: (failing) =>
    `${each(failing, ({ name, says, at }) => `F401 [*] \`${name}\` ${says}\n --> m.py:${at}:8\n  |\n\n`)}Found ${failing.length} errors.\n`,
  Prettier: (failing) =>
    `Checking formatting...\n${each(failing, ({ name, says }) => `[warn] ${name} ${says}\n`)}[warn] Code style issues found in ${failing.length} files. Run Prettier with --write to fix.\n`,
}

const OLD = Array.from({ length: 100 }, (_, at) => ({ name: `old_${at}`, says: `${at} !== 100`, at: at + 1 }))
const added = (says: string): Failure => ({ name: 'average', says, at: 101 })

for (const [tool, suite] of Object.entries(SUITES)) {
  test(`of ${tool} what is new is told first, and what failed before is counted and named alone`, () => {
    const found = judged(suite(OLD), suite([...OLD, added('8 !== 2')]))
    assert.equal(found.added.length, 1)
    assert.ok(Buffer.byteLength(found.told) <= MOST_BYTES)
    assert.match(found.told, /8 !== 2/)
    assert.doesNotMatch(found.told.split('failed before this change')[0] ?? '', /old_\d/)
    assert.doesNotMatch(found.told, / more failures left out|# fail|duration_ms|^1\.\.|ℹ/m)
    assert.match(found.told, /\[… 10[01] that failed before this change as well left out: .*old_0/)
    assert.match(
      judged(suite(OLD.slice(0, 1)), suite([...OLD.slice(0, 1), added('8 !== 2')])).told,
      /^(?!.*old_0)[^]*8 !== 2/,
    )
    const other = judged(suite(OLD), suite([...OLD, added('12 !== 2')]))
    if (other.added[0] === found.added[0]) assert.notEqual(other.identity, found.identity, 'another value')
    const moved = OLD.map((failure) => ({ ...failure, says: failure.says.replace('100', '200') }))
    const again = judged(suite(moved), suite([...moved, added('8 !== 2')]))
    assert.equal(again.identity, found.identity, 'whatever the old ones say')
  })
}

const old = Array.from({ length: 300 }, (_, at) => `old_${at}`)
const REPORTS = {
  JUnit: (names: readonly string[]) => {
    const cases = names.map(
      (name, at) =>
        `<testcase classname="a" name="${name}" file="a.x" line="${at}"><failure>${at} !== 2</failure></testcase>`,
    )
    const called = (name: string) => `junit: a › ${name}`
    return { called, read: (before: KnownFailures) => junitFailures(`<t>${cases.join('')}</t>`, before) }
  },
  SARIF: (names: readonly string[]) => {
    const locations = [
      { physicalLocation: { artifactLocation: { uri: 'a.x' }, region: { startLine: 3, startColumn: 7 } } },
    ]
    const results = names.map((name) => ({ ruleId: 'r', level: 'error', message: { text: name }, locations }))
    const called = (name: string) => `sarif: a.x:3: error: ${name} (r)`
    return { called, read: (before: KnownFailures) => sarifFailures(JSON.stringify({ runs: [{ results }] }), before) }
  },
}

for (const [format, of] of Object.entries(REPORTS)) {
  test(`of a report as ${format} too what is new is told first, however many of its failures are old`, () => {
    const { called, read } = of([...old, 'average'])
    const before = new KnownFailures(old.map(called))
    const excerpt = new FailureExcerpt('/tree', (text) => text, before)
    const judged = { reported: read(before).blocks, added: [called('average')], old: old.length }
    const told = excerpt.read(MOST_BYTES, judged)
    assert.match(told, /^a[^\n]*average/)
    assert.match(told, /average[^]*\n\n\[… 300 that failed before this change as well left out: [^\n]*old_0/)
    assert.ok(Buffer.byteLength(told) <= MOST_BYTES && !told.includes('more failures'))
  })
}

test('where nothing is new, or it cannot be told, the failures are told as they came', () => {
  const output = String(SUITES['go test']?.(OLD))
  const plain = new FailureExcerpt('/tree', (text) => text)
  plain.add(output)
  assert.equal(judged(output, output).told, plain.read(MOST_BYTES))
})

test('beside what is new, failures without a name that were not kept are counted and named too', () => {
  const kept = new KeptFailures(new KnownFailures(['go: TestOld']))
  const block = (text: string, ...called: string[]) => [{ ...key(text), ...(called.length === 0 ? {} : { called }) }]
  kept.keep('failure', block('new', 'go: TestNew'), 'new')
  for (let at = 0; at < 62; at += 1) kept.keep('failure', block(`unnamed ${at}`), `unnamed ${at}`)
  kept.keepName(block('only a name'), 'only a name')
  const { failures, dropped, names } = kept.sorted([], ['go: TestNew'])
  assert.equal(failures.length, 61)
  assert.equal(dropped, 2)
  assert.deepEqual(names, ['unnamed 60', 'unnamed 61', 'only a name'])
})

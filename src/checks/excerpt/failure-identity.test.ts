import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { FAILING_SUITES } from '../../../test/support/failing-suites/all-suites.ts'
import { FailureExcerpt } from './failure-excerpt.ts'
import { lasting } from './failure-identity.ts'

const RECORDINGS = path.join(import.meta.dirname, '../../../test/fixtures/failing-suites')

function identityOf(output: string): string | null {
  const excerpt = new FailureExcerpt('/tree', (text) => text)
  excerpt.add(output)
  excerpt.read(4_000)
  return excerpt.identity()
}

const tap = (error: string, at: string, ms: string) =>
  `not ok 1 - adds\n  ---\n  duration_ms: ${ms}\n  location: '/tree/a.test.js:${at}'\n  error: |-\n    ${error}\n  ...\n`
const pytest = (left: string, line: number, seconds: string) =>
  `=== FAILURES ===\n____ test_adds ____\n\n    def test_adds():\n>       assert add(1, 2) == 3\nE       assert ${left} == 3\n\ntests/test_a.py:${line}: AssertionError\n==== 1 failed in ${seconds}s ====\n`
const go = (got: string, line: number) =>
  `--- FAIL: TestAdds (0.0${line}s)\n    a_test.go:${line}: got ${got}, want 3\nFAIL\n`
const tsc = (line: number, type: string) =>
  `src/a.ts(${line},7): error TS2322: Type '${type}' is not assignable to type 'number'.\n`

test('the same assertion of the same test is the same failure, wherever its line is and however long it takes', () => {
  assert.equal(identityOf(tap('4 !== 3', '3:1', '1.2')), identityOf(tap('4 !== 3', '9:1', '7.5')))
  assert.equal(identityOf(pytest('4', 5, '0.03')), identityOf(pytest('4', 7, '1.10')))
  assert.equal(identityOf(go('4', 3)), identityOf(go('4', 9)))
  assert.equal(identityOf(tsc(3, 'string')), identityOf(tsc(40, 'string')))
  assert.equal(identityOf(tsc(3, 'string') + go('4', 3)), identityOf(go('4', 3) + tsc(3, 'string')), 'in any order')
})

test('another assertion of the same test is another failure, and so is another value', () => {
  assert.notEqual(identityOf(tap('4 !== 3', '3:1', '1')), identityOf(tap('5 !== 3', '3:1', '1')))
  assert.notEqual(identityOf(pytest('4', 5, '1')), identityOf(pytest('5', 5, '1')))
  assert.notEqual(identityOf(go('4', 3)), identityOf(go('5', 3)))
  assert.notEqual(identityOf(tsc(3, 'string')), identityOf(tsc(3, 'boolean')))
  assert.notEqual(identityOf(go('4', 3)), identityOf(go('4', 3) + tsc(3, 'string')))
})

test('an output in which no tool reports a failure has no identity', () => {
  assert.equal(identityOf('building\nan error of some kind\n'), null)
})

test('durations, addresses, temporary folders and places are left out; what is compared keeps its values', () => {
  const same: [string, string][] = [
    ['Timeout of 2000ms exceeded', 'Timeout of 3000ms exceeded'],
    ['✖ adds (12.5ms) at test/a.test.js:3:1', '✖ adds (3ms) at test/a.test.js:44:1'],
    ["ENOENT: open '/tmp/moose-x1/out.txt'", "ENOENT: open '/tmp/moose-y2/out.txt'"],
    ['expected <Order@1b2c3d4e> at 0x7ffd00aa', 'expected <Order@5f6a7b8c> at 0x7ffd00bb'],
    ['ECONNREFUSED 127.0.0.1:43211', 'ECONNREFUSED 127.0.0.1:51001'],
    ["thread 'adds' (4711) panicked at src/lib.rs:3:9:", "thread 'adds' (4712) panicked at src/lib.rs:7:9:"],
    ['[ERROR] SyntaxError in a.py, line 3', '[ERROR] SyntaxError in a.py, line 4'],
    ['  3:7  error  x is not used', '  41:7  error  x is not used'],
  ]
  for (const [one, other] of same) assert.equal(lasting(one), lasting(other))
  const other: [string, string][] = [
    ["Expected: '3 s', Received: '4 s'", "Expected: '3 s', Received: '5 s'"],
    ["expected 'a.example:80' to be 'a.example:81'", "expected 'a.example:82' to be 'a.example:81'"],
    ['assert 12.5 == 12', 'assert 13.5 == 12'],
    ['Expected 200, got 404', 'Expected 200, got 500'],
  ]
  for (const [one, two] of other) assert.notEqual(lasting(one), lasting(two))
})

test('of the recorded suites each has an identity of its own', () => {
  const identities = FAILING_SUITES.map(({ name }) =>
    identityOf(readFileSync(path.join(RECORDINGS, `${name}.txt`), 'utf8')),
  )
  assert.equal(identities.filter((identity) => identity === null).length, 0)
  assert.equal(new Set(identities).size, FAILING_SUITES.length)
})

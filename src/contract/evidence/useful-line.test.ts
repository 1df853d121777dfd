import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usefulLine } from './useful-line.ts'

/** The useful part of an output, and the line of it that says most. */
const SAID: readonly [told: string, line: string][] = [
  [
    'test_total\n    def test_total():\n>       assert total() == 42\nE       assert 41 == 42\ntest_a.py:3: AssertionError',
    'assert 41 == 42',
  ],
  [
    '--- FAIL: TestTax (0.00s)\n    tax_test.go:20: unequal:\n        \tgot:  64\n        \twant: 71',
    'tax_test.go:20: unequal: got:  64, want: 71',
  ],
  [
    "thread 'x' panicked at src/lib.rs:3:9:\nassertion `left == right` failed\n  left: 1\n right: 2",
    'assertion `left == right` failed, left: 1, right: 2',
  ],
  ["thread 'x' panicked at src/lib.rs:3:9:\nno price", 'no price'],
  [
    './a.test.js ● totals\n    expect(received).toBe(expected)\n    Expected: 42\n    Received: 41\n    > 3 |   expect(1)',
    'Expected: 42, Received: 41',
  ],
  ['  File "a.py", line 3, in total\n    raise ValueError("x")\nValueError: no file', 'ValueError: no file'],
  [
    "src/a.ts(1,5): error TS2322: Type 'a' is not assignable.",
    "src/a.ts(1,5): error TS2322: Type 'a' is not assignable.",
  ],
  ['step 1\nERROR the schema is missing\nstep 2', 'ERROR the schema is missing'],
  ['giving up\nfor good', 'giving up'],
  ['', ''],
]

test('the line that says why a check fails is told, with both sides of what was compared', () => {
  for (const [told, line] of SAID) assert.equal(usefulLine(told), line)
})

test('of several failures it is a line of the first, and it is short', () => {
  assert.equal(usefulLine('a\nError: first\n\nb\nError: second'), 'Error: first')
  assert.ok(usefulLine(`Error: ${'🦌'.repeat(500)}`).length <= 240)
  assert.ok(usefulLine(`Error: ${'🦌'.repeat(500)}`).isWellFormed())
})

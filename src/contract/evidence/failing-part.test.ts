import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failingParts } from './failing-part.ts'

const failingOf = (output: string, names: readonly string[] = []) =>
  failingParts(output, names)
    .filter(({ failing }) => failing)
    .map(({ text }) => text)

test('the lines that say what failed come with those around them, and all parts together are the output', () => {
  const quiet = Array.from({ length: 30 }, (_, index) => `ok ${index + 1} - fine`)
  const output = [
    ...quiet,
    'not ok 31 - sums',
    '  expected: 4',
    '  got: 5',
    '  at: sum.js:3',
    ...quiet,
    '# pass 60',
  ].join('\n')
  const parts = failingParts(output, [])
  assert.deepEqual(
    parts.map(({ failing }) => failing),
    [false, true, false],
  )
  assert.equal(parts.map(({ text }) => text).join('\n'), output)
  assert.match(
    String(failingOf(output)[0]),
    /^ok 30 - fine\nnot ok 31 - sums\n {2}expected: 4\n {2}got: 5\n {2}at: sum\.js:3/,
  )
})

test('a name of the report marks its line, whatever the tool calls a failure', () => {
  const output = ['one', 'two', 'three', 'four', 'the sum of two', 'six', 'seven', 'eight', 'nine', 'ten'].join('\n')
  assert.deepEqual(failingOf(output, ['tool: suite > the sum of two']), ['four\nthe sum of two\nsix\nseven\neight'])
})

test('what counts no failures is none, and without any line that says one it is the end', () => {
  const output = [...Array.from({ length: 40 }, (_, index) => `line ${index}`), '0 errors', '# fail 0'].join('\n')
  const [end] = failingOf(output)
  assert.equal(end?.split('\n').length, 12)
  assert.match(end, /# fail 0$/)
  assert.deepEqual(failingOf(''), [])
})

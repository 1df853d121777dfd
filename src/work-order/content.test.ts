import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { describeProblems, fieldProblems } from '../faults/schema-problems.ts'
import { WorkOrderContent } from './content.ts'

const good = {
  title: 'Add a greeting',
  description: 'Say hello.\n\tTwice.',
  acceptance_criteria: ['It says hello'],
  files_in_scope: ['src/a.ts'],
  risk_level: 'low',
}

function problemsOf(change: Record<string, unknown>): string {
  const parsed = WorkOrderContent.safeParse({ ...good, ...change })
  return parsed.success ? '' : describeProblems(fieldProblems(parsed.error))
}

test('a well-formed order passes as it is', () => {
  assert.deepEqual(WorkOrderContent.parse(good), good)
})

test('every problem names its field and the reason', () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ title: '' }, /^title is empty$/],
    [{ title: 'a\nb' }, /^title must be a single line/],
    [{ title: 'x'.repeat(201) }, /^title is longer than 200 characters$/],
    [{ title: 7 }, /^title /],
    [{ description: 'a\0b' }, /^description contains control characters$/],
    [{ description: 'x'.repeat(20_001) }, /^description is longer than 20000/],
    [{ acceptance_criteria: ['ok', ''] }, /^acceptance_criteria\[1\] is empty$/],
    [{ acceptance_criteria: Array(51).fill('c') }, /^acceptance_criteria has more than 50 entries$/],
    [{ acceptance_criteria: 'one' }, /^acceptance_criteria /],
    [{ files_in_scope: ['a', '../x'] }, /^files_in_scope\[1\] "\.\.\/x" leaves the repository/],
    [{ files_in_scope: ['a', 'a'] }, /^files_in_scope names a file twice$/],
    [{ files_in_scope: Array.from({ length: 201 }, (_, n) => `f${n}`) }, /more than 200 entries/],
    [{ files_in_scope: { 0: 'a' } }, /^files_in_scope /],
    [{ risk_level: 'none' }, /^risk_level /],
    [{ title: '\ud800x' }, /^title contains half of a character$/],
  ]
  for (const [change, expected] of cases) assert.match(problemsOf(change), expected)
})

test('several problems are told together', () => {
  assert.match(
    problemsOf({ title: '', files_in_scope: ['/x'] }),
    /^title is empty; files_in_scope\[0\] "\/x" is absolute/,
  )
})

test('anything at all is accepted or refused, never a crash, and what is accepted is bounded', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), fc.anything(), (title, criteria, files) => {
      const parsed = WorkOrderContent.safeParse({
        ...good,
        title,
        acceptance_criteria: criteria,
        files_in_scope: files,
      })
      if (parsed.success) assert.ok(parsed.data.title.length <= 200 && parsed.data.files_in_scope.length <= 200)
      else assert.ok(fieldProblems(parsed.error).length > 0)
    }),
  )
})

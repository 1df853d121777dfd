import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertLinear, repeated } from '../../test/support/growth.ts'
import { closedIssues } from './closes.ts'

test('a line that says nothing else closes the issues it names', () => {
  assert.deepEqual(closedIssues('Greet the world.\n\nCloses #12'), [12])
  assert.deepEqual(closedIssues('fixes: #1, #2 and #3.\r\n- Resolves #1, closes #40'), [1, 2, 3, 40])
  assert.deepEqual(closedIssues(Array.from({ length: 9 }, (_, n) => `Closes #${n + 1}`).join('\n')), [1, 2, 3, 4, 5])
})

test('words about an issue, another repository, code and what is not seen close nothing', () => {
  for (const text of [
    'This closes #12 one day',
    'Fix #12 and closes #1 @octo/team [skip ci]',
    'Closes owner/repo#12',
    'Closes #0 #x',
    'See #12',
    'Closes',
    '    Closes #12',
    '```\nCloses #12\n```',
    '~~~\n```\nCloses #12\n~~~',
    '<!--\nCloses #12\n-->',
    '> Closes #12',
    `Closes ${'#12 '.repeat(60)}`,
    'Closes #99999999999',
  ])
    assert.deepEqual(closedIssues(text), [], text)
})

test('it takes linear time', async () => {
  for (const part of ['Closes #1\n', 'closes ', '#1 ', '```\n', '<!--', ' , ', '`'])
    await assertLinear(repeated(part), closedIssues, 500_000)
})

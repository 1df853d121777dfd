import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertLinear, repeated } from '../../test/support/growth.ts'
import { notDoneIn, notDoneText } from './not-done.ts'
import { parseEdits } from './parse-edits.ts'

const BLOCK = '### edit a.ts\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n'
const DIFF = '```diff\n--- a/a.ts\n+++ b/a.ts\n@@ -1 +1 @@\n-old\n+new\n```\n'
const SCOPE = ['a.ts', 'src/b.ts', 'src/c.ts', 'docs/']

/** Reasons that speak of changes, each of which would have to be a block elsewhere. */
const REASONS = [
  'it would break src/b.ts.',
  'I also changed the port in src/b.ts, which does the same.',
  'src/b.ts was updated accordingly.',
  'delete src/c.ts by hand: `git rm src/c.ts`',
  'rename src/b.ts -> src/c.ts first',
  'Updated src/b.ts and src/c.ts.',
  'run `chmod +x src/b.ts`, then `sed -i s/a/b/ src/b.ts`',
  '### edit src/b.ts would be needed:',
  '+new line in src/b.ts',
  '{"path": "src/b.ts", "content": "x"}',
  '`src/b.ts`: `a` -> `b`',
  'see src/b.ts:',
]

test('comments that are not carried out are told by lines of their form before the first block, each once', () => {
  const said = 'I greet the world.\nComment 2: not done: it is out of scope.\n- Comment 1: not done: see   2 \n'
  const found = [
    { comment: 1, reason: 'see 2' },
    { comment: 2, reason: 'it is out of scope.' },
  ]
  for (const blocks of [BLOCK, DIFF, '']) assert.deepEqual(notDoneIn(said + blocks, 2), found)
  assert.deepEqual(notDoneIn(notDoneText(found), 2), found)
  assert.deepEqual(notDoneIn(`${said}Comment 2: not done: again\n`, 2), found)
  assert.deepEqual(notDoneIn(`<think>Comment 1: not done: no</think>\n${BLOCK}`, 2), [])
})

test('other lines, other numbers, and what stands in or behind blocks say nothing', () => {
  const lines = ['Comment 3: not done: x', 'Comment 0: not done: x', 'comment 1: not done: x', 'Comment 1: not done:']
  const more = [
    'Comment 1 is not done: x',
    '> Comment 1: not done: x',
    'So Comment 1: not done: x',
    'Comment 01: not done: x',
  ]
  for (const line of [...lines, ...more]) assert.deepEqual(notDoneIn(`${line}\n${BLOCK}`, 2), [], line)
  const inFile = '### write docs/a.md\n```\nComment 1: not done: x\n```\n'
  assert.deepEqual(notDoneIn(`${BLOCK}Comment 1: not done: x\n`, 2), [])
  assert.deepEqual(notDoneIn(inFile, 2), [])
  assert.deepEqual(notDoneIn('\ud800', 2), [])
})

test('a reason is one line of at most 500 characters', () => {
  const [only] = notDoneIn(`Comment 1: not done: ${'x'.repeat(2_000)}\n`, 1)
  assert.equal(only?.reason, `${'x'.repeat(500)}…`)
})

test('whatever a reason says of files, the blocks of its answer are read as they are without it', () => {
  const expected = parseEdits(BLOCK, SCOPE, ['docs/x.md']).map(({ kind, path }) => [kind, path])
  for (const reason of REASONS) {
    const line = `Comment 1: not done: ${reason}`
    for (const answer of [`${line}\n\n${BLOCK}`, `The greeting is new.\n\n${line}\n- ${line}\n${BLOCK}`]) {
      const edits = parseEdits(answer, SCOPE, ['docs/x.md'])
      assert.deepEqual(
        edits.map(({ kind, path }) => [kind, path]),
        expected,
        answer,
      )
      assert.equal(notDoneIn(answer, 1).length, 1, answer)
    }
    assert.equal(parseEdits(`${line}\n${DIFF}`, SCOPE).length, 1, line)
    assert.throws(() => parseEdits(line, SCOPE), { code: 'edits_missing' }, line)
  }
})

test('it takes linear time', async () => {
  for (const part of ['Comment 1: not done: x\n', 'Comment 1: not done: ', '- ', 'x '])
    await assertLinear(repeated(part), (answer) => notDoneIn(answer, 1), 500_000)
})

/** Drafts before an end of reasoning whose begin the server has left out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../faults/fault.ts'
import { withoutReasoning } from './reasoning.ts'

const pair = (search: string, replace: string) => `<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE`
const edit = (path: string) => `### edit ${path}\n${pair('old', `new ${path}`)}`
const write = (path: string, body: string) => `### write ${path}\n\`\`\`\`\n${body}\n\`\`\`\``
const patch = (path: string, line: string) =>
  `*** Begin Patch\n*** Update File: ${path}\n@@\n old\n+${line}\n*** End Patch`
const diff = (path: string, line: string) => `--- a/${path}.ts\n+++ b/${path}.ts\n@@ -1,2 +1,3 @@\n old\n+${line}\n \n`
/** As Aider has it: a name on a line of its own, above a fence around the pair. */
const fenced = (name: string) => `${name}\n\`\`\`\n${pair('old', 'new')}\n\`\`\`\n`
const DRAFT = edit('draft')
const FINAL = edit('final')
const TWO = '*** Begin Patch\n*** Update File: a\n@@\n-old\n+x\n*** Update File: b\n@@\n-old\n+y\n*** End Patch'

const repeated: Record<string, [answer: string, left: string]> = {
  'drafts below names on lines of their own': [
    `Perhaps\n${fenced('a.md')}\n**\`b/c\`**\n${pair('old', 'x')}\n</think>\n#### b/c\n\n${fenced('a.md')}\n${edit('b/c')}\n`,
    `#### b/c\n\n${fenced('a.md')}\n${edit('b/c')}\n`,
  ],
  'a draft of a file below its name, and of its pairs': [
    `Perhaps\n**b/c**\n\n\`\`\`js\nx\n\`\`\`\nor\n${edit('b/c')}\n</think>\n${write('b/c', 'y')}`,
    write('b/c', 'y'),
  ],
  'a draft with more lines around what it changes': [
    `So:\n### edit a\n${pair('x\nold', 'x\nnew')}\n</think>\n${edit('a')}`,
    edit('a'),
  ],
  'a draft of a diff': [`So:\n${diff('a', 'x')}\n</think>\n${diff('a', 'y')}`, diff('a', 'y')],
  'a draft of a patch': [`So:\n${patch('a', 'x')}\n</think>\n${edit('a')}`, edit('a')],
  'drafts of files that one patch changes': [`So:\n${edit('a')}\n${edit('b')}\n</think>\n${TWO}`, TWO],
  'a draft of a deletion': ['So:\n### delete a\n</think>\n### delete a\n', '### delete a\n'],
  'a fence below words': ['As in\n```js\nx\n```\n</think>\nSo', 'So'],
}

for (const [name, [answer, left]] of Object.entries(repeated))
  test(`drafts that the answer repeats are left out: ${name}`, () => assert.equal(withoutReasoning(answer), left))

const dropped: Record<string, [answer: string, line: number]> = {
  'an end behind a whole edit, without words before it': [`${FINAL}\n</think>\n${FINAL}`, 7],
  'an end behind a whole edit of a file that no other changes': [`Perhaps\n${DRAFT}\n</think>\n${FINAL}`, 8],
  'an end behind a pair below the name of a file that no other changes': [
    `Perhaps\n${DRAFT}\n\`lib/x.ts\`\n\n${pair('old', 'new')}\n</think>\n${DRAFT}`,
    15,
  ],
  'an end behind a file below its name that no other changes': [
    `Perhaps\nlib/x.ts\n\`\`\`ts\nx\n\`\`\`\n</think>\n${FINAL}`,
    6,
  ],
  'an end behind a file below its name, behind a draft in a fence': [
    `Perhaps\n${fenced('a.md')}lib/x.ts\n\`\`\`ts\nx\n\`\`\`\n</think>\n${fenced('a.md')}`,
    14,
  ],
  'an end behind an edit of a file that needs no change behind it': [
    `Perhaps\n${DRAFT}\n</think>\n### edit draft\nNo changes needed.\n\n${FINAL}`,
    8,
  ],
  'an end behind a pair of a place that no other changes': [
    `Perhaps\n### edit a\n${pair('x', 'y')}\n</think>\n${edit('a')}`,
    8,
  ],
  'an end behind a place of a patch that no other changes': [
    `Perhaps\n${patch('a', 'x')}\n</think>\n### edit a\n${pair('x', 'y')}`,
    8,
  ],
  'an end behind a deletion': [`So:\n### delete a\n</think>\n${FINAL}`, 3],
}

for (const [name, [answer, line]] of Object.entries(dropped))
  test(`edits that the answer does not repeat are not dropped: ${name}`, () => {
    assert.throws(
      () => withoutReasoning(answer),
      (error) => {
        assert.ok(error instanceof Fault && error.code === 'reasoning_unclear', String(error))
        assert.equal(error.details['line'], line, error.message)
        return true
      },
    )
  })

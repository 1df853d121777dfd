import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultOf } from '../../../test/support/fault-of.ts'
import { toldToModel } from '../../faults/fault.ts'
import { applyEdits } from '../apply-edits.ts'
import { parseEdits } from '../parse-edits.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')
const edit = (search: string, replace: string) =>
  `### edit a.txt\n<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE\n`
const write = (text: string) => `### write a.txt\n\`\`\`\`\n${text}\`\`\`\`\n`

async function made(before: Buffer, answer: string): Promise<Buffer | null> {
  const scope = ['a.txt', 'b.txt']
  const read = async (path: string) => (path === 'a.txt' ? before : null)
  const changes = await applyEdits(parseEdits(answer, scope), { read, scope })
  return changes.find(({ content }) => content !== null)?.content ?? null
}

const KEPT: Readonly<Record<string, readonly [before: Buffer, answer: string, after: Buffer]>> = {
  'UTF-16, an edit': [utf16('größer\r\nж\r\n'), edit('ж', '𝄞'), utf16('größer\r\n𝄞\r\n')],
  'UTF-16 in the other order': [utf16('größer\nж\n').swap16(), edit('ж', 'é'), utf16('größer\né\n').swap16()],
  'UTF-16, the whole file': [utf16('one\r\n'), write('ж\n'), utf16('ж\r\n')],
  'two marks': [Buffer.from('\ufeff\ufeffa\nb\n'), edit('b', 'c'), Buffer.from('\ufeff\ufeffa\nc\n')],
  'two marks, and an edit of the first line': [
    Buffer.from('\ufeff\ufeffa\nb\n'),
    edit('a', 'c'),
    Buffer.from('\ufeff\ufeffc\nb\n'),
  ],
  'two marks in UTF-16': [utf16('\ufeffa\nb\n'), edit('b', 'c'), utf16('\ufeffa\nc\n')],
  'a lone CR at the end': [Buffer.from('a\r\nb\r'), edit('b', 'c'), Buffer.from('a\r\nc\r')],
  'a lone CR at the end, and an edit of another line': [Buffer.from('a\nb\r'), edit('a', 'c'), Buffer.from('c\nb\r')],
  'a lone CR at the end, and more lines': [Buffer.from('a\r\nb\r'), edit('b', 'c\nd'), Buffer.from('a\r\nc\r\nd\r')],
  'a line of a lone CR at the end': [Buffer.from('a\n\r'), edit('a', 'c'), Buffer.from('c\n\r')],
  'UTF-16, emptied and filled': [utf16('one\n'), `${write('')}\n${write('ж\n')}`, utf16('ж\n')],
  'Latin-1 that names itself': [
    latin1('# coding: latin-1\n# \xe9\n'),
    edit('# é', '# ü'),
    latin1('# coding: latin-1\n# \xfc\n'),
  ],
  'a guessed encoding, with its own characters': [
    latin1('caf\xe9 \x93x\x94\ny\n'),
    edit('y', 'é “y”'),
    latin1('caf\xe9 \x93x\x94\n\xe9 \x93y\x94\n'),
  ],
  'a renamed file': [
    latin1('caf\xe9\n'),
    `### rename a.txt -> b.txt\n\n${edit('café', 'é').replace('a.txt', 'b.txt')}`,
    latin1('\xe9\n'),
  ],
}

for (const [what, [before, answer, after]] of Object.entries(KEPT))
  test(`a file keeps its encoding: ${what}`, async () => assert.deepEqual(await made(before, answer), after))

test('a character that the encoding has not is refused by its name, and the file stays', async () => {
  const named = await faultOf(made(latin1('# coding: latin-1\nx\xe9\n'), edit('xé', 'ж')))
  assert.match(named.message, /is in windows-1252, which has no character "ж"/)
  const guessed = await faultOf(made(latin1('caf\xe9\nx\n'), edit('x', 'ü')))
  assert.match(guessed.message, /is not UTF-8 but seems to be windows-1252, and does not have the character "ü"/)
})

test('a file that is deleted and written anew is in UTF-8', async () => {
  const before = latin1('caf\xe9\n')
  assert.deepEqual(await made(before, `### delete a.txt\n\n${write('café ж\n')}`), Buffer.from('café ж\n'))
})

const PYTHON = latin1('# coding: latin-1\n# \xe9\nx\n')
const RENAMED: Readonly<Record<string, string>> = {
  'another name': edit('# coding: latin-1', '# coding: utf-8'),
  'no name': edit('# coding: latin-1\n# é', '# é'),
  'the whole file': write('# coding: utf-8\n# é\nx\n'),
}

for (const [what, answer] of Object.entries(RENAMED))
  test(`an edit after which a file names another encoding than its bytes have is refused: ${what}`, async () => {
    const fault = await faultOf(made(PYTHON, answer))
    assert.match(
      toldToModel(fault),
      /is in windows-1252 and would no longer name it.*delete the file and write it anew/,
    )
  })

const MAY_NAME: typeof KEPT = {
  'its name in other words': [
    PYTHON,
    edit('# coding: latin-1', '# vim: coding=cp1252'),
    latin1('# vim: coding=cp1252\n# \xe9\nx\n'),
  ],
  'a text that is ASCII then': [
    PYTHON,
    edit('# coding: latin-1\n# é', '# coding: utf-8'),
    latin1('# coding: utf-8\nx\n'),
  ],
  'a name in a guessed file that is read the same': [
    latin1('caf\xe9\ny\n'),
    edit('y', 'encoding="utf-8"'),
    latin1('caf\xe9\nencoding="utf-8"\n'),
  ],
  'a name far from the start': [
    latin1(`# coding: latin-1\n# \xe9\n${'x'.repeat(1_100)}\ny\n`),
    edit('y', 'coding: utf-8'),
    latin1(`# coding: latin-1\n# \xe9\n${'x'.repeat(1_100)}\ncoding: utf-8\n`),
  ],
}

for (const [what, [before, answer, after]] of Object.entries(MAY_NAME))
  test(`the name of an encoding may change where the file is read as before: ${what}`, async () =>
    assert.deepEqual(await made(before, answer), after))

test('an edit that has a guessed file name an encoding is refused where its bytes are none of that', async () => {
  const { message } = await faultOf(made(latin1('x\ncaf\xe9\n'), edit('x', '# coding: koi8-r')))
  assert.match(message, /would name another encoding/)
})

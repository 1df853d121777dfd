/** What is applied although it is not written by the letter, and what is refused with the reason. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../test/support/edit-outcome.ts'

const edit = (search: string, replace: string) =>
  `### edit f.ts\n<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE`

const applied: Record<string, [before: string, answer: string, after: string]> = {
  'indentation left out': [
    '{\n\t\tone\n\t\ttwo\n}\n',
    edit('one\ntwo', 'one\n  new\n2'),
    '{\n\t\tone\n\t\t  new\n\t\t2\n}\n',
  ],
  'too little indentation': ['f\n      one\n', edit('  one', '  uno\n    dos'), 'f\n      uno\n        dos\n'],
  'too much indentation': [
    'f\n  one\n    two\n',
    edit('      one\n        two', '      one\n        2'),
    'f\n  one\n    2\n',
  ],
  'a line further out than the SEARCH': ['a\n    b\n', edit('  b', '  b\nc'), 'a\n    b\n  c\n'],
  'spaces for a tab': ['f:\n\tgo()\n', edit('    go()', '    stop()'), 'f:\n\tstop()\n'],
  'spaces at a line end of the file': ['one   \ntwo\n', edit('one\ntwo', 'one\n2'), 'one   \n2\n'],
  'spaces on a blank line of SEARCH': ['one\n\ntwo\n', edit('one\n  \ntwo', 'one\n  \n2'), 'one\n\n2\n'],
  'a fence around each side': ['one\ntwo\n', edit('```ts\ntwo\n```', '```ts\n2\n```'), 'one\n2\n'],
  'the name and a fence on each side': ['one\ntwo\n', edit('f.ts\n```\ntwo\n```', 'f.ts\n```\n2\n```'), 'one\n2\n'],
  'numbers on both sides': ['one\ntwo\nthree\n', edit('    2| two\n    3| three', '    2| 2'), 'one\n2\n'],
  'numbers on one side': ['one\ntwo\n', edit('2→two', '2'), 'one\n2\n'],
  'a heading underlined with tildes': ['one\n', edit('one', '/*\n f.ts\n ~~~~\n*/'), '/*\n f.ts\n ~~~~\n*/\n'],
  'a pair said twice': [
    'one\ntwo\n',
    `${edit('two', 'two\nthree')}\n${edit('two', 'two\nthree')}`,
    'one\ntwo\nthree\n',
  ],
  'a pair that changes nothing, in two places': [
    'end\none\nend\n',
    `${edit('end', 'end')}\n${edit('one', '1')}`,
    'end\n1\nend\n',
  ],
  'a file said to stay as it is': ['one\n', `${edit('one', '1')}\n### edit f.ts (no further changes)`, '1\n'],
}

for (const [name, [before, answer, after]] of Object.entries(applied)) {
  test(`is applied: ${name}`, async () =>
    assert.deepEqual(await outcomeOf({ 'f.ts': before }, answer), { 'f.ts': after }))
}

const refused: Record<string, [before: string, answer: string, message: RegExp]> = {
  'indentation that fits two places': ['  one\n    one\n', edit('one', '1'), /ambiguous: matches at lines 1, 2/],
  'spaces at the end that fit two places': ['one \none  \n', edit('one', '1'), /ambiguous: matches at lines 1, 2/],
  'tabs for spaces on two levels': [
    '\ta\n\t\tb\n',
    edit('  a\n    b', '  a\n    c'),
    /differs in indentation alone from line 1/,
  ],
  'spaces within a line': ['a   =  1\n', edit('a = 1', 'a = 2'), /differs only in spaces within the lines from line 1/],
  'typographic quotes': ['x\nsay “hi”\n', edit('say "hi"', 'y'), /only in typographic characters .* from line 2/],
  'another normalization': ['cafe\u0301\n', edit('caf\u00e9', 'x'), /the normalization of letters\) from line 1/],
  'escaped brackets': ['if (a < b) {\n', edit('if (a &lt; b) {', 'x'), /only in escaped characters/],
  'escaped quotes': ['say("x")\n', edit('say(\\"x\\")', 'x'), /only in backslashes before quotes/],
  'blank lines around': [
    'a\nb\nc\n',
    edit('\nb\n', '\nB\n'),
    /Without the blank lines at its start or end it stands at line 2/,
  ],
  'dots for lines': ['a\nb\nc\n', edit('a\n...\nc', 'A\n...\nC'), /leaves lines out by "\.\.\."/],
  'a part of a line': ['call(one, two)\n', edit('one, two', 'three'), /is a part of line 1: SEARCH is whole lines/],
  'lines that an earlier pair has changed': [
    'a\nb\nc\n',
    `${edit('a\nb', 'a\nb\nx')}\n${edit('b\nc', 'b\nC')}`,
    /stood there before an earlier pair/,
  ],
  'numbers that the file does not prove': ['one\ntwo\n', edit('7| two', '7| 2'), /is not found/],
  'numbers on some lines': ['one\ntwo\n', edit('1| one\ntwo', 'x'), /is not found/],
  'text that is only alike': ['const total = 1\n', edit('const totals = 1', 'x'), /is not found/],
  'a REPLACE with half a fence': ['one\n', edit('one', '```\n1'), /holds half a code fence/],
}

for (const [name, [before, answer, message]] of Object.entries(refused)) {
  test(`is refused with the reason: ${name}`, async () =>
    assert.match(await refusalOf({ 'f.ts': before }, answer), message))
}

const PATH: Files = { 'src/lib/soup.ts': 'one\n', Makefile: 'all:\n' }
const paths = [
  './src/lib/soup.ts',
  '/src/lib/soup.ts',
  'a/src/lib/soup.ts',
  'b/src/lib/soup.ts',
  'src\\lib\\soup.ts',
  'soup.ts',
  '**src/lib/soup.ts**',
  '`src/lib/soup.ts`:',
  '"src/lib/soup.ts"',
  '[src/lib/soup.ts](src/lib/soup.ts)',
  'src/lib/soup.ts (the first line)',
  '`src/lib/soup.ts` - one line',
  'src/lib/soup.ts — one line',
  'file src/lib/soup.ts',
  'src/lib/soup.ts ###',
  '\u200bsrc/lib/soup.ts\u200b',
]
const pair = '<<<<<<< SEARCH\none\n=======\n1\n>>>>>>> REPLACE'

for (const path of paths) {
  test(`a path counts as what it means in the scope: ${path}`, async () => {
    assert.deepEqual(await outcomeOf(PATH, `### edit ${path}\n${pair}`), { 'src/lib/soup.ts': '1\n' })
  })
}

const headers = [
  '### Edit',
  '## edit',
  '  ### edit',
  '### EDIT:',
  '### 4. edit',
  '### update',
  '### modify file',
  '**edit',
  '- edit',
]

for (const header of headers) {
  test(`a header counts in another form: ${header}`, async () => {
    const line = header.startsWith('**') ? `${header} src/lib/soup.ts**` : `${header} src/lib/soup.ts`
    assert.deepEqual(await outcomeOf(PATH, `${line}\n\`\`\`\n${pair}\n\`\`\``), { 'src/lib/soup.ts': '1\n' })
  })
}

test('a bare file name counts where one file has it', async () => {
  const files = { 'a/x.ts': 'one\n', 'b/x.ts': 'one\n' }
  assert.match(await refusalOf(files, `### edit x.ts\n${pair}`), /could be "a\/x.ts" or "b\/x.ts"/)
})

const names: Record<string, [answer: string, made: string | RegExp]> = {
  'a colon': ['### write src/new.ts:\n```\nx\n```', 'src/new.ts'],
  'a remark': ['### write src/new.ts (new file)\n```\nx\n```', 'src/new.ts'],
  asterisks: ['### write src/new.ts**\n```\nx\n```', 'src/new.ts'],
  hashes: ['### write src/new.ts ##\n```\nx\n```', 'src/new.ts'],
  'a dash and words': ['### write src/new.ts - the new one\n```\nx\n```', 'src/new.ts'],
  'brackets of its own': ['### write src/(group)/[id].ts\n```\nx\n```', 'src/(group)/[id].ts'],
  'spaces of its own': ['### write src/my notes v2.md\n```\nx\n```', 'src/my notes v2.md'],
  'two names': ['### write src/new.ts and src/old.ts\n```\nx\n```', /more than a path in its name/],
}

for (const [name, [answer, made]] of Object.entries(names)) {
  test(`a new file has the name that was meant, or is refused: ${name}`, async () => {
    const outcome = await outcomeOf({}, answer, ['src/'])
    if (typeof made === 'string') assert.deepEqual(outcome, { [made]: 'x\n' })
    else assert.match(await refusalOf({}, answer, ['src/']), made)
  })
}

test('a file that has an odd name is edited under it', async () => {
  const files = { 'src/notes (old)': 'one\n' }
  assert.deepEqual(await outcomeOf(files, `### edit src/notes (old)\n${pair}`, ['src/']), { 'src/notes (old)': '1\n' })
})

test('a renamed file is edited by pairs below its rename', async () => {
  const answer = `### rename src/lib/soup.ts -> src/lib/broth.ts (clearer)\n${pair}`
  assert.deepEqual(await outcomeOf(PATH, answer, ['src/lib/']), { 'src/lib/soup.ts': null, 'src/lib/broth.ts': '1\n' })
})

const bodies: Record<string, [answer: string, after: string]> = {
  'an example behind a program': ['```ts\nrun()\n```\n\nRun it:\n\n```\nnode f.ts\n```', 'run()\n'],
  'a heading underlined with tildes': ['```\nf.ts\n~~~~\n\nrun()\n```', 'f.ts\n~~~~\n\nrun()\n'],
  'a longer end': ['```\nrun()\n`````', 'run()\n'],
  'an indented fence': ['   ```\nrun()\n   ```', 'run()\n'],
  'an indented fence and body': ['  ```\n  if (a) {\n    run()\n  }\n  ```', 'if (a) {\n  run()\n}\n'],
}

for (const [name, [body, after]] of Object.entries(bodies)) {
  test(`a file ends where its fence does: ${name}`, async () => {
    assert.deepEqual(await outcomeOf({ 'f.ts': 'x\n' }, `### write f.ts\n${body}`), { 'f.ts': after })
  })
}

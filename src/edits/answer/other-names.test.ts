/** Words before a pair or a fence that name a file otherwise than the scope does, or none at all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../../test/support/edit-outcome.ts'

const FILES: Files = {
  'kitchen/soup.ts': 'salt\nwater\nleek\n',
  'kitchen/bread.ts': 'flour\nwater\nyeast\n',
  'kitchen/[id]/bread.ts': 'rye\nwater\n',
  'kitchen/Stovefile': 'heat\nwater\n',
}
const FOLDER = ['kitchen/']
const pair = (search: string, replace: string) => `<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE`
const FIRST = `### edit kitchen/soup.ts\n${pair('leek', 'LEEK')}`
const behind = (words: string) => `${FIRST}\n\n${words}\n${pair('water', 'WATER')}`
const SAME = { 'kitchen/soup.ts': 'salt\nWATER\nLEEK\n' }

const otherwise: Record<string, string> = {
  'a path out of scope': 'Also lib/other.ts:',
  'a sentence about one': 'Next, lib/other.ts needs it as well.',
  'a bare name out of scope': '**other.ts**',
  'a name of which there are two': 'In bread.ts:',
  'another case': 'Also Kitchen/[id]/Bread.ts:',
  'a folder too many': '<h3>project/kitchen/bread.ts</h3>',
  'a name without a dot in a sentence': 'Changes to Stovefile:',
  'a name without a dot in another case': '• stovefile',
  'a file that is not named': 'And the same in the other file:',
  'a label of another language': '文件：Kitchen/Bread.ts',
  'a name behind an address of it': 'As for lib/other.ts, it needs a change too.',
  'a name behind more of them': 'The same in lib/x.ts as well as lib/other.ts.',
  'a name at the end of a sentence': 'And now the one in lib/other.ts.',
  'a name that is said to use it as well': 'It is also used in lib/other.ts.',
  'a name before a colon that is said to use it': 'The second one is used by lib/other.ts:',
  'a name that is said to need it': 'lib/other.ts needs it.',
  'a name in a tag': '<path>lib/other.ts</path>',
  'a name at the end of a sentence that goes on': 'Here is lib/other.ts.',
  'a name that is next': 'lib/other.ts is next.',
  'a label of one word': 'Fichier : lib/other.ts',
  'a file that is not named behind one that is done': 'The first one is done. The other file:',
  'a name that has a part already': 'lib/other.ts already has the first, so only the second is missing there:',
  'a name that has it already and no more': 'lib/other.ts already has the import:',
  'a name that already needs it': 'lib/other.ts already needs a new import, so only add this:',
  'a header in bold': '**### edit Stovefile**',
  'a header behind a backslash': '\\### edit Stovefile',
  'a header of wide hashes': '＃＃＃ edit Stovefile',
}

for (const [name, words] of Object.entries(otherwise)) {
  test(`a pair below words that name a file otherwise belongs to none by accident: ${name}`, async () => {
    for (const scope of [FOLDER, Object.keys(FILES)])
      assert.match(
        await refusalOf(FILES, behind(words), scope),
        /unclear whose it is|is no header|outside files_in_scope/,
      )
  })
}

test('a pair that repeats the one before in a file that is named otherwise is not taken for done', async () => {
  const answer = `### edit kitchen/soup.ts\n${pair('water', 'WATER')}\n\nAnd the same in bread.ts:\n${pair('water', 'WATER')}`
  assert.match(await refusalOf(FILES, answer, FOLDER), /after words that name "bread.ts"/)
})

const bare = [
  '**Stovefile**',
  'Stovefile:',
  'File: Stovefile',
  '`Stovefile`',
  '_kitchen/Stovefile_',
  '### edit Stovefile',
]

test('a bare name is understood that one file in a folder of the scope has', async () => {
  for (const title of bare) {
    const after = { 'kitchen/Stovefile': 'heat\nWATER\n', 'kitchen/soup.ts': 'salt\nwater\nLEEK\n' }
    assert.deepEqual(await outcomeOf(FILES, behind(title), FOLDER), after, title)
  }
  const edit = `### edit soup.ts\n${pair('leek', 'LEEK')}`
  assert.deepEqual(await outcomeOf(FILES, edit, FOLDER), { 'kitchen/soup.ts': 'salt\nwater\nLEEK\n' })
  const unclear = `### edit bread.ts\n${pair('yeast', 'YEAST')}`
  assert.match(await refusalOf(FILES, unclear, FOLDER), /could be "kitchen\/bread.ts" or "kitchen\/\[id\]\/bread.ts"/)
})

test('a path with brackets is one name', async () => {
  const after = { 'kitchen/[id]/bread.ts': 'rye\nWATER\n', 'kitchen/soup.ts': 'salt\nwater\nLEEK\n' }
  assert.deepEqual(await outcomeOf(FILES, behind('Also in kitchen/[id]/bread.ts:')), after)
})

const prose: Record<string, string> = {
  'programs and libraries': 'With Node.js 24 and Vue.js, lodash/fp and @scope/pkg do the same:',
  'an address': 'As https://example.com/docs/index.html has it:',
  'another address': 'Also see example.org/a/b.html:',
  'versions and numbers': 'Since v1.2.3, 1.5x as fast, 24/7:',
  'words with a slash': 'On the client/server side it is and/or, e.g. TCP/IP:',
  'members and calls': 'Here `items.map` and `res.json()` go as well:',
  'a type of content': 'It is application/json too:',
  'a module that is imported': "It is imported from './other.ts':",
  'a module of the runtime': 'Use node:fs/promises:',
  'the file in hand': 'And again in soup.ts:',
  'the file in hand with a line': 'Also kitchen/soup.ts:12:',
  'the file in hand in another case': 'As Soup.ts has it too:',
  'a file that is only spoken of': 'What lib/other.ts reads stays as it is.',
  'files of a kind': 'All .ts files need it:',
  'a file out of scope in the words before the first pair': '',
  'a file that reads it': 'The second one is read by `lib/server.ts`.',
  'a file that reads it as well': 'The second one is also read by the `lib/server.ts`.',
  'files that read it': 'It is used by lib/index.ts and lib/server.ts.',
  'a file that it matches': 'This matches `tsconfig.json`.',
  'a file that it matches, before a colon': 'To match `tsconfig.json`:',
  'a file in brackets that uses it': '(used by utils.ts)',
  'a file out of scope that uses it, before a colon': 'And the one used by `lib/index.ts`:',
  'a file in scope that uses it, before a colon': 'And the one used by kitchen/bread.ts:',
  'a file that calls it': 'utils.ts calls it.',
  'a file that is the reason': 'package.json has "type": "module", so this is an import.',
  'a list of callers': 'Callers: lib/index.ts, lib/server.ts',
  'one caller': 'Caller: lib/server.ts',
  'a label of a use': 'Used by: utils.ts',
  'a file that was considered': 'I also considered changing `lib/server.ts`, but it is out of scope.',
  'another file to match': 'Match the other module:',
  'another file to match by a change': 'Update the second constant to match the other file:',
  'another file that needs nothing': 'The other file needs nothing. Now `b`:',
  'a file that needs nothing': 'And lib/server.ts needs nothing. Now `b`:',
  'a file that expects it': 'As `lib/x.ts` expects, the second one changes too.',
  'a file that has it so': 'In the config module, as in other.config.ts, b is 2 too.',
  'a file in which it is used': 'The second one is used in lib/server.ts.',
  'a file that is its caller': 'app.py is the caller.',
  'a line of a file': 'The call site is utils.ts:12.',
  'a file as an example': 'e.g. foo.json',
  'files that have it already':
    'The import comes from ./config.ts, and package.json already has the dependency, so only the log changes:',
  'a file that is right already': 'Since lib/server.ts is already typed, so only the constant here changes:',
  'a file to see': 'See also lib/server.ts.',
}

for (const [name, words] of Object.entries(prose)) {
  test(`words between two pairs of one file are words: ${name}`, async () => {
    const first = `### edit kitchen/soup.ts\n\nAs lib/other.ts does it too:\n${pair('leek', 'LEEK')}`
    const answer = words === '' ? `${first}\n\n${pair('water', 'WATER')}` : behind(words)
    for (const scope of [FOLDER, Object.keys(FILES)]) assert.deepEqual(await outcomeOf(FILES, answer, scope), SAME)
  })
}

const body = '```ts\nexport const x = 1;\n```'

test('a fence below nothing but a name that the scope does not have is refused by that name', async () => {
  for (const title of ['**new.ts**', 'new.ts:', 'Create new.ts:', 'File: new.ts', '`new.ts`', '### Dockerfile'])
    assert.match(
      await refusalOf(FILES, `${FIRST}\n\n${title}\n${body}`, FOLDER),
      /this fence stands below "(?:new.ts|Dockerfile)", which is no path in files_in_scope\. Write a new file as "### write path"/,
      title,
    )
  assert.match(await refusalOf(FILES, `${FIRST}\n\n### new.ts\n${body}`, FOLDER), /"new.ts"/)
})

test('a new file in a folder of the scope is made under its title', async () => {
  for (const title of ['**kitchen/new.ts**', '_kitchen/new.ts_', 'Create kitchen/new.ts:'])
    assert.deepEqual(
      await outcomeOf(FILES, `${FIRST}\n\n${title}\n${body}`, FOLDER),
      { 'kitchen/new.ts': 'export const x = 1;\n', 'kitchen/soup.ts': 'salt\nwater\nLEEK\n' },
      title,
    )
})

test('a fence below a sentence that speaks of a file out of scope is an example', async () => {
  for (const words of ['Then add this to your `package.json`:', 'The output of `other.ts` is then:'])
    assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n\n${words}\n${body}`, FOLDER), {
      'kitchen/soup.ts': 'salt\nwater\nLEEK\n',
    })
})

const LONG: Files = { 'a.ts': 'one\n', 'b.ts': 'import x\n\nrun()\nlegacy()\nrun()\nend()\n' }
const OK = `### edit a.ts\n${pair('one', 'ONE')}`
const whole: Record<string, [title: string, body: string]> = {
  'a line less': ['### b.ts', 'import x\n\nrun()\nrun()\nend()'],
  'the last line less': ['### b.ts', 'import x\n\nrun()\nlegacy()\nrun()'],
  'the first line less': ['**b.ts**', 'run()\nlegacy()\nrun()\nend()'],
  'lines in another order': ['### b.ts', 'import x\n\nlegacy()\nrun()\nrun()\nend()'],
  'a part under a verb': ['### Update b.ts', 'legacy()\nrun()'],
  'words that name a part of it': ['The complete run() of b.ts:', 'import x\n\nrun()'],
  'nothing under a verb': ['### Update b.ts', ''],
}

for (const [name, [title, text]] of Object.entries(whole)) {
  test(`a fence that may be a whole file is no view of it: ${name}`, async () => {
    const answer = `${OK}\n\n${title}\n\`\`\`ts\n${text === '' ? '' : `${text}\n`}\`\`\``
    assert.match(await refusalOf(LONG, answer), /nothing says that it is the whole file/)
  })
}

test('a fence that shows a part of a file, or all of it, changes nothing', async () => {
  const shown = [
    '### b.ts\n```\nlegacy()\nrun()\n```',
    'In `b.ts`:\n```\nrun()\nend()\n```',
    `### Update b.ts\n\`\`\`\n${LONG['b.ts']}\`\`\``,
  ]
  for (const view of shown) assert.deepEqual(await outcomeOf(LONG, `${OK}\n\n${view}`), { 'a.ts': 'ONE\n' })
})

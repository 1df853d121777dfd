/** Pairs, files, diffs and patches that end too early, so that lines of them stand behind their end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../../test/support/edit-outcome.ts'

const FILES: Files = { 'src/a.py': 'x = 1\ny = 1\nz = 1\n', 'src/b.py': 'import os\n', 'recipe.md': 'The soup is cold.\n' }
const pair = (search: string, ...replace: string[]) =>
  ['<<<<<<< SEARCH', search, '=======', ...replace, '>>>>>>> REPLACE'].join('\n')
const CUT = `### edit src/a.py\n${pair('x = 1\ny = 1', 'x = 2')}`
const DONE = { 'src/a.py': 'x = 2\nz = 1\n' }

const loose: Record<string, string> = {
  'an assignment': 'y = 2',
  'an import': 'import sys',
  'a statement of one word': 'pass',
  'a block that is opened': 'elif x in y:',
  'a declaration': 'class Oven:',
  'a name and its value': 'warm: true',
  'words in quotes': 'puts "The soup is warm."',
  'a comment': '# The soup is warm.',
  'a command': 'RUN npm install',
  'an item that is code': '- y = 2',
  'a quoted line': '> y = 2',
}

for (const [name, line] of Object.entries(loose)) {
  test(`a line right behind a pair or a file that reads as code refuses the answer: ${name}`, async () => {
    assert.match(await refusalOf(FILES, `${CUT}\n${line}\n`), /line 8: this line stands behind the end of a pair/)
    const body = `### write src/b.py\n\`\`\`python\nimport os\n\`\`\`\n${line}\n`
    assert.match(await refusalOf(FILES, body), /line 5: this line stands behind the end of the file/)
  })
}

const words: Record<string, string> = {
  'a sentence': 'This makes it polite.',
  'a sentence that names code': 'The value of `x = 1` is now `x = 2`.',
  'a sentence that leads on': 'and in the other file:',
  'a line of a paragraph': 'This makes the greeting polite and',
  'a label': '**Explanation**',
  'an item of a list': '- Added the greeting',
  'a rule': '---',
  'a heading': '## Next step',
  'the name of a file': '`src/b.py`',
  'an element around the answer': '</answer>',
  'a script without upper case': 'これで丁寧になります。',
  'a sentence with a picture': '✅ Done.',
}

for (const [name, line] of Object.entries(words)) {
  test(`words right behind a pair or a file are words: ${name}`, async () => {
    assert.deepEqual(await outcomeOf(FILES, `${CUT}\n${line}\n`), DONE)
    const body = `### write src/b.py\n\`\`\`python\nimport sys\n\`\`\`\n${line}\n`
    assert.deepEqual(await outcomeOf(FILES, body), { 'src/b.py': 'import sys\n' })
  })
}

test('a sentence right behind a pair that says anew what the pair takes away refuses the answer', async () => {
  const answer = `### edit recipe.md\n${pair('The soup is cold.', '')}\nThe soup is warm.\n`
  assert.match(await refusalOf(FILES, answer), /stands behind the end of a pair/)
})

test('words like those of the file right behind a pair refuse the answer', async () => {
  const files = { 'a.yml': 'all:\n- a\n' }
  const answer = `### edit a.yml\n${pair('- a', '- b')}\n- c\n`
  assert.match(await refusalOf(files, answer), /stands behind the end of a pair/)
})

test('a line that says anew what the pair takes away refuses the answer behind blank lines too', async () => {
  assert.match(await refusalOf(FILES, `${CUT}\n\ny = 2\n`), /line 9: .* looks like one that the pair takes away/)
  assert.deepEqual(await outcomeOf(FILES, `${CUT}\n\nNow y is gone.\n`), DONE)
})

test('lines of a language without signs below the name of a file refuse the answer', async () => {
  const answer = `${CUT}\n\n**src/b.py**\nimport sys\nw = 2\n`
  assert.match(await refusalOf(FILES, answer), /"import sys" reads like a change of "src\/b.py"/)
})

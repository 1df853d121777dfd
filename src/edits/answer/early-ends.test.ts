/** Pairs, files, diffs and patches that end too early, so that lines of them stand behind their end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../../test/support/edit-outcome.ts'

const FILES: Files = {
  'src/a.py': 'x = 1\ny = 1\nz = 1\n',
  'src/b.py': 'import os\n',
  'recipe.md': 'The soup is cold.\n',
}
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

const diff = '--- a/src/a.py\n+++ b/src/a.py'
const patch = '*** Update File: src/a.py\n@@\n-x = 1\n+x = 2'
const lost: Record<string, string> = {
  'a new file whose lines have no sign': '*** Add File: src/new.py\nexport x',
  'a new file whose lines have no sign, behind a blank line': '*** Add File: src/new.py\n\nexport x',
  'further lines of a new file behind a blank line': '*** Add File: src/new.txt\n+first\n\n+1\n+2',
  'a line without its sign in a patch': `${patch}\ndef f():\n-y = 1`,
  'a line without its sign behind a blank one': `${patch}\n\ndef f():\n-y = 1`,
  'a line without its sign in a diff': `${diff}\n@@ @@\n-x = 1\n+x = 2\ndef f():\n-y = 1`,
  'a hunk behind words': `${diff}\n@@ @@\n-x = 1\n+x = 2\nThen this goes.\n-y = 1`,
  'lines behind a whole hunk': `${diff}\n@@ -1 +1 @@\n-x = 1\n+x = 2\n\n-y = 1`,
  'spaces behind the signs': `${diff}\n@@ -1 +1 @@\n-x = 1\n+x = 2\n\n- y = 1\n+ y = 2`,
  'a second file without its second name': `${diff}\n@@ -1 +1 @@\n-x = 1\n+x = 2\n\n--- a/src/b.py\n-import os`,
  'a line right behind a patch': `*** Begin Patch\n${patch}\n*** End Patch\ny = 2`,
  'lines behind a patch': `*** Begin Patch\n${patch}\n*** End Patch\n\n-y = 1\n+ y = 2`,
  'a pair behind a patch of two files': `*** Begin Patch\n${patch}\n*** Delete File: src/b.py\n*** End Patch\n${pair('y = 1', 'y = 2')}`,
  'a pair behind a patch': `*** Begin Patch\n${patch}\n*** End Patch\n\n${pair('y = 1', 'y = 2')}`,
  'a pair behind a diff': `${diff}\n@@ -1 +1 @@\n-x = 1\n+x = 2\n\n${pair('y = 1', 'y = 2')}`,
}

for (const [name, answer] of Object.entries(lost)) {
  test(`no line behind a diff or a patch is passed over: ${name}`, async () => {
    assert.match(await refusalOf(FILES, answer, ['src/']), /^edits_malformed/)
  })
}

const told: Record<string, string> = {
  'a sentence': 'This makes it polite.',
  'a list': '\n- It is polite\n- It is short',
  'a rule': '\n---\n\nThat is all.',
  'a header and a pair': `### edit src/a.py\n${pair('y = 1', 'y = 1')}`,
}

for (const [name, rest] of Object.entries(told)) {
  test(`words and blocks may stand behind a diff or a patch: ${name}`, async () => {
    const after = { 'src/a.py': 'x = 2\ny = 1\nz = 1\n' }
    // Behind a patch that nothing ends a list may be lines of it.
    const open = rest.startsWith('\n-') ? [] : [patch]
    for (const first of [...open, `*** Begin Patch\n${patch}\n*** End Patch`, `${diff}\n@@ -1 +1 @@\n-x = 1\n+x = 2`])
      assert.deepEqual(await outcomeOf(FILES, `${first}\n${rest}\n`, ['src/']), after)
  })
}

test('a pair behind hunks that stand below a header belongs to the file of the header', async () => {
  const answer = `### edit src/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n\n${pair('y = 1', 'y = 2')}`
  assert.deepEqual(await outcomeOf(FILES, answer), { 'src/a.py': 'x = 2\ny = 2\nz = 1\n' })
})

const git = 'diff --git a/src/a.py b/src/a.py'
const hunk = '@@ -1 +1 @@\n-x = 1\n+x = 2'
const contradicting: Record<string, string> = {
  'the header of git and the names': `diff --git a/src/b.py b/src/b.py\n${diff}\n${hunk}`,
  'a rename and the names': `diff --git a/src/b.py b/src/c.py\nrename from src/b.py\nrename to src/c.py\n${diff}\n${hunk}`,
  'a rename and the header of git': `${git}\nrename from src/b.py\nrename to src/c.py`,
  'a new file that was there': `${git}\nnew file mode 100644\n${diff}\n${hunk}`,
  'a deleted file that stays': `${git}\ndeleted file mode 100644\n${diff}\n${hunk}`,
  'a deletion of another file': `${git}\n--- a/src/b.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-import os`,
}

for (const [name, answer] of Object.entries(contradicting)) {
  test(`a diff whose headers contradict each other is refused: ${name}`, async () => {
    assert.match(
      await refusalOf(FILES, answer, ['src/']),
      /line 1: the lines above the hunks of .* contradict each other/,
    )
  })
}

test('a diff deletes a file only where the lines it shows stand there', async () => {
  const deletion = (line: string) => `--- a/src/b.py\n+++ /dev/null\n@@ -1 +0,0 @@\n${line}`
  assert.deepEqual(await outcomeOf(FILES, deletion('-import os')), { 'src/b.py': null })
  assert.match(await refusalOf(FILES, deletion('-import sys')), /the SEARCH of line 3 \(1 line\) is not found/)
  assert.match(await refusalOf(FILES, deletion(' import os')), /deletes a file and shows lines that stay in it/)
})

/** Answers of which a part would be passed over, or would reach the wrong file, if they were read by the letter alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../test/support/edit-outcome.ts'

const FILES: Files = { 'kitchen/soup.txt': 'salt\nwater\nleek\n', 'kitchen/Oven': 'salt\nheat\n' }
const pair = (search: string, replace: string) => `<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE`
const FIRST = `### edit kitchen/soup.txt\n${pair('leek', 'LEEK')}`
const SOUP = { 'kitchen/soup.txt': 'salt\nwater\nLEEK\n' }
const BOTH = { ...SOUP, 'kitchen/Oven': 'salt\nfat\nheat\n' }

const owned: Record<string, string> = {
  'the path alone': 'kitchen/Oven',
  'the path in backticks': '`kitchen/Oven`',
  'a heading with the path': '#### kitchen/Oven',
  'a label': 'File: kitchen/Oven',
  'a bold verb': '### **edit** kitchen/Oven',
  'a verb without hashes': 'edit kitchen/Oven',
  'a numbered step': '### Step 3: edit kitchen/Oven',
  'a list': '* ### edit kitchen/Oven',
  'a verb in a past tense': '### Updated file kitchen/Oven',
  'a sentence that leads on': 'And in `kitchen/Oven`:',
  'a bare file name': '## edit Oven',
  'no space behind the hashes': '###edit kitchen/Oven',
}

for (const [name, title] of Object.entries(owned)) {
  test(`a pair belongs to the file that is named above it: ${name}`, async () => {
    for (const fence of ['', '```\n']) {
      const answer = `${FIRST}\n\n${title}\n${fence}${pair('salt', 'salt\nfat')}\n${fence}`
      assert.deepEqual(await outcomeOf(FILES, answer), BOTH)
    }
  })
}

for (const title of ['File: `P`', '### 1. File: `P`', '**Filename: `P`**', '## **File: `P`:**', '**File:** `P`']) {
  test(`a label stands outside of what a path is wrapped in: ${title}`, async () => {
    const answer = `${title.replace('P', 'kitchen/soup.txt')}\n${pair('leek', 'LEEK')}`
    assert.deepEqual(await outcomeOf(FILES, answer), SOUP)
  })
}

const body = '```\nsalt\nfat\n```'
const diff = '--- a/kitchen/Oven\n+++ b/kitchen/Oven\n@@ -1,2 +1,3 @@\n salt\n+fat\n heat'
const understood: Record<string, [rest: string, after: object]> = {
  'a write with a colon': [`### write: kitchen/Oven\n${body}`, { 'kitchen/Oven': 'salt\nfat\n' }],
  'a numbered write': [`### 2) write kitchen/Oven\n${body}`, { 'kitchen/Oven': 'salt\nfat\n' }],
  'a new file': [`### New file: kitchen/Oven\n${body}`, { 'kitchen/Oven': 'salt\nfat\n' }],
  'a diff': [diff, { 'kitchen/Oven': 'salt\nfat\nheat\n' }],
  'a diff in a fence': [`\`\`\`diff\n${diff}\n\`\`\``, { 'kitchen/Oven': 'salt\nfat\nheat\n' }],
  'a patch': [
    '*** Begin Patch\n*** Update File: kitchen/Oven\n@@\n salt\n+fat\n heat\n*** End Patch',
    { 'kitchen/Oven': 'salt\nfat\nheat\n' },
  ],
  'a deletion in a list': ['- ### delete kitchen/Oven', { 'kitchen/Oven': null }],
  'a deletion in bold': ['### **delete** `kitchen/Oven`', { 'kitchen/Oven': null }],
}

for (const [name, [rest, after]] of Object.entries(understood)) {
  test(`what is no block by the letter is carried out: ${name}`, async () => {
    assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n\n${rest}`), { ...SOUP, ...after })
  })
}

const refused: Record<string, [rest: string, message: RegExp]> = {
  'a pair under a heading that names no file': [
    `### The seasoning\n${pair('salt', 'fat')}`,
    /under the heading "### The seasoning", which names no file/,
  ],
  'a pair after words that name two files': [
    `So \`kitchen/Oven\` and \`kitchen/soup.txt\` change:\n${pair('salt', 'fat')}`,
    /after words that name "kitchen\/Oven" and "kitchen\/soup.txt"/,
  ],
  'a fence below a path': [`kitchen/Oven\n${body}`, /nothing says that it is the whole file/],
  'a fence below a heading': [`### \`kitchen/Oven\`\n${body}`, /nothing says that it is the whole file/],
  'a fence below a sentence': [`This is \`kitchen/Oven\` now:\n\n${body}`, /nothing says that it is the whole file/],
  'a fence for a file in one that was left open': [
    '```\n\n### **edit** kitchen/Oven\n```diff\n-salt\n+fat\n```',
    /unclear whether this fence closes the one before or opens a file/,
  ],
  'a fence for a file that is left open before a block': [
    `### kitchen/Oven\n\`\`\`\nsalt\nfat\n\n### edit kitchen/Oven\n\`\`\`txt\n${pair('heat', 'HEAT')}\n\`\`\``,
    /stands in a fence for a file, with edits behind it/,
  ],
  'the lines of a file of which only the end of the fence is there': [
    `#### Changes to kitchen/Oven\nsalt();\n  fat();\n\`\`\`\n\n### edit kitchen/Oven\n${pair('heat', 'HEAT')}`,
    /line 9: this line stands below the name "kitchen\/Oven" and looks like a line of that file/,
  ],
  'a fence that names a file': ['```txt kitchen/Oven\nsalt\nfat\n```', /nothing says that it is the whole file/],
  'commands that write a file': [
    '```sh\ncat > kitchen/Oven <<END\nfat\nEND\n```',
    /line 9: .* reads like a change of "kitchen\/Oven"/,
  ],
  'commands that delete a file': ['```bash\ncd x && rm -f kitchen/Oven\n```', /reads like a change of "kitchen\/Oven"/],
  'a line that asks for a deletion': ['delete kitchen/Oven', /"delete kitchen\/Oven" reads like a change/],
  'a line that tells of a deletion': [
    'Deleted `kitchen/Oven`',
    /reads like a change of "kitchen\/Oven", which no block makes/,
  ],
  'an element of another tool': [
    '<write_to_file>\n<path>kitchen/Oven</path>',
    /"<write_to_file>" is a change in a form that is not read here/,
  ],
  'an element with a path': ['<file name="kitchen/Oven">\nfat\n</file>', /is a change in a form/],
  'a call of another tool': [
    '```json\n{"path": "kitchen/Oven", "old_string": "salt", "new_string": "fat"}\n```',
    /is a change in a form/,
  ],
  'quoted markers': [`> ${pair('salt', 'fat').replaceAll('\n', '\n> ')}`, /is no marker of a pair/],
  'a diff without names': ['```diff\n-salt\n+fat\n```', /no line "@@", or names no file/],
  'a patch of which a line is none': [
    '*** Begin Patch\n*** Update File: kitchen/Oven\n@@\n-salt\nfat\n*** End Patch',
    /"fat" is no line of a patch/,
  ],
  'a block in a fence, where others stand in none': [
    'Later perhaps:\n```\n### delete kitchen/Oven\n```',
    /may be an example/,
  ],
  'code behind a pair': ['  fat()\n', /looks like a line of it/],
}

for (const [name, [rest, message]] of Object.entries(refused)) {
  test(`what may be a change and cannot be told refuses the whole answer: ${name}`, async () => {
    const gap = name === 'code behind a pair' ? '\n' : '\n\n'
    assert.match(await refusalOf(FILES, `${FIRST}${gap}${rest}`), message)
  })
}

const prose: Record<string, string> = {
  'a heading of a version': '### Release 3.1\n\nWords.',
  'a heading of a program': '### Node.js 24\n\nWords.',
  'a heading in lower case': '### what is next\n\nWords.',
  'a heading about a file': '### Notes on kitchen/Oven\n\nIt stays.',
  'an example in a fence': 'Then run:\n\n```sh\nnpm test\n```',
  'a command that reads a file': 'To look at it:\n\n```sh\ncat kitchen/Oven\n```',
  'what a file holds already': '### kitchen/Oven\n```\nsalt\nheat\n```',
  'a deletion that a block makes': '### delete kitchen/Oven\n\n- Deleted kitchen/Oven',
  'an element of HTML': '<details>\n<summary>Why</summary>\nWords.\n</details>',
}

for (const [name, rest] of Object.entries(prose)) {
  test(`prose is prose: ${name}`, async () => {
    const outcome = await outcomeOf(FILES, `${FIRST}\n\n${rest}`)
    assert.deepEqual(outcome, rest.includes('### delete') ? { ...SOUP, 'kitchen/Oven': null } : SOUP)
  })
}

const markers: Record<string, [open: string, divider: string, close: string]> = {
  'lower case': ['<<<<<<< search', '=======', '>>>>>>> replace'],
  'six signs': ['<<<<<< SEARCH', '======', '>>>>>> REPLACE'],
  'three lengths': ['<<<<< SEARCH', '=========', '>>>>>>> REPLACE'],
  'a longer beginning': ['<<<<<<<<<< SEARCH', '=======', '>>>>>>> REPLACE'],
  'other words': ['<<<<<<< ORIGINAL', '=======', '>>>>>>> UPDATED'],
  'a merge conflict': ['<<<<<<< HEAD', '=======', '>>>>>>> topic/soup'],
  'dashes and pluses': ['------- SEARCH', '=======', '+++++++ REPLACE'],
  'no space': ['<<<<<<<SEARCH', '=======', '>>>>>>>REPLACE'],
  'a bracket too many': ['<<<<<<< SEARCH>', '=======', '>>>>>>> REPLACE'],
  'the wrong end': ['<<<<<<< SEARCH', '=======', '>>>>>>> SEARCH'],
  'a divider as the end': ['<<<<<<< SEARCH', '=======', '======='],
  indented: ['   <<<<<<< SEARCH', '   =======', '   >>>>>>> REPLACE'],
}

for (const [name, [open, divider, close]] of Object.entries(markers)) {
  test(`a pair in other markers is read, alone and behind another: ${name}`, async () => {
    const other = `${open}\nsalt\n${divider}\nSALT\n${close}\n`
    assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n\n${other}`), { 'kitchen/soup.txt': 'SALT\nwater\nLEEK\n' })
    const between = `### edit kitchen/soup.txt\n${other}\n${pair('leek', 'LEEK')}`
    assert.deepEqual(await outcomeOf(FILES, between), { 'kitchen/soup.txt': 'SALT\nwater\nLEEK\n' })
  })
}

test('a divider ends a pair only where nothing else can belong to it', async () => {
  const answer = '### edit kitchen/soup.txt\n<<<<<<< SEARCH\nsalt\n=======\nSALT\n=======\nwater\n'
  assert.match(await refusalOf(FILES, answer), /a second divider\. .* longer markers/)
})

const unfit: Record<string, [answer: string, message: RegExp]> = {
  'a pair': [
    `### write kitchen/soup.txt\n\`\`\`\`\n${pair('leek', 'LEEK')}\n\`\`\`\``,
    /would hold markers .* longer markers/,
  ],
  'a diff': [
    '### write kitchen/soup.txt\n```\n--- a/kitchen/soup.txt\n+++ b/kitchen/soup.txt\n@@ -1 +1 @@\n-salt\n+SALT\n```',
    /would become a diff/,
  ],
  'line numbers': ['### write kitchen/soup.txt\n```\n1| salt\n2| water\n```', /would hold line numbers/],
  'a comment for the rest': [
    '### write kitchen/soup.txt\n```\nSALT\n// ... rest of the recipe ...\n```',
    /stands for text that is there/,
  ],
  'three dots': ['### write kitchen/soup.txt\n```\nSALT\n...\n```', /stands for text that is there by "\.\.\."/],
  'a placeholder in a pair': [
    `### edit kitchen/soup.txt\n${pair('salt\nwater', 'SALT\n# ... existing lines ...')}`,
    /stands for text that is there/,
  ],
  'a diff in a pair': [
    `### edit kitchen/soup.txt\n${pair('salt', '-salt\n+SALT')}`,
    /is a diff\. Write the lines as they shall be/,
  ],
  'numbers in a pair': [`### edit kitchen/soup.txt\n${pair('salt', '1| SALT')}`, /holds line numbers/],
}

for (const [name, [answer, message]] of Object.entries(unfit)) {
  test(`text that is a change in another form, or leaves lines out, is put into no file: ${name}`, async () => {
    assert.match(await refusalOf(FILES, answer), message)
  })
}

test('dots and markers that a file holds already, or that are code, may stay', async () => {
  const files = { 'a.ts': 'f(...args)\n// ...\n', 'b.md': '<<<<<<< SEARCH\n' }
  const spread = `### edit a.ts\n${pair('f(...args)', 'f(\n  ...existing,\n  ...rest,\n)')}`
  assert.deepEqual(await outcomeOf(files, spread), { 'a.ts': 'f(\n  ...existing,\n  ...rest,\n)\n// ...\n' })
  assert.deepEqual(await outcomeOf(files, '### write a.ts\n```\ng()\n// ...\n```'), { 'a.ts': 'g()\n// ...\n' })
  assert.deepEqual(await outcomeOf(files, '### write b.md\n```\n<<<<<<< SEARCH\nx\n```'), {
    'b.md': '<<<<<<< SEARCH\nx\n',
  })
})

test('a later block that would undo an earlier one of the answer is refused', async () => {
  const write = '### write kitchen/soup.txt\n```\nsalt\n```'
  assert.match(await refusalOf(FILES, `${FIRST}\n${write}`), /block 2 .* would undo that/)
})

test('a fence that closes too early or too late cuts no file', async () => {
  const next = '### write kitchen/Oven\n````\nfat\n```\n'
  assert.match(
    await refusalOf(FILES, `### write kitchen/soup.txt\n\`\`\`\`\nSALT\n\`\`\`\n${next}\n\`\`\`\`\n`),
    /unclear which fence/,
  )
  const early = '### edit kitchen/soup.txt\n```\n<<<<<<< SEARCH\nleek\n=======\nLEEK\n```\n>>>>>>> REPLACE\n'
  assert.deepEqual(await outcomeOf(FILES, early), SOUP)
})

const besideModes: Record<string, string> = {
  'with a mode of another file': 'chmod +x kitchen/Oven\nrm kitchen/soup.txt',
  'with its own mode': 'chmod +x kitchen/soup.txt\nrm kitchen/soup.txt',
}

for (const [name, commands] of Object.entries(besideModes)) {
  test(`commands alone that set a mode and change a file refuse the whole answer: ${name}`, async () => {
    const message = await refusalOf(FILES, `\`\`\`sh\n${commands}\n\`\`\`\n`)
    assert.match(message, /"rm kitchen\/soup.txt" reads like a change of "kitchen\/soup.txt"/)
  })
}

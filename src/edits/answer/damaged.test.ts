/** Answers of which a fence, a marker or a heading is missing or written otherwise, so that a part could be passed over. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../../test/support/edit-outcome.ts'

const FILES: Files = { 'kitchen/soup.txt': 'salt\nwater\nleek\n', 'kitchen/Oven': 'heat()\nsalt();\n' }
const pair = (search: string, replace: string) => `<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE`
const FIRST = `### edit kitchen/soup.txt\n${pair('leek', 'LEEK')}\n\nThat is one part.\n`
const SOUP = { 'kitchen/soup.txt': 'salt\nwater\nLEEK\n' }

const refused: Record<string, [rest: string, message: RegExp]> = {
  'lines of a file below a heading that mentions it': [
    '#### Changes to kitchen/Oven\n> ```\nheat()\n  fat();\nsalt();',
    /stands below the name "kitchen\/Oven"/,
  ],
  'lines of a file below a verb and its bare name': [
    '### update Oven.ts\nheat()\n  fat()',
    /below the name "Oven\.ts"/,
  ],
  'lines of a file below a path, where another block changes that file': [
    'kitchen/soup.txt\nsalt();\nfat();',
    /below the name "kitchen\/soup.txt"/,
  ],
  'lines of a file below a comment that names it': ['// kitchen/Oven\nfat();', /below the name "kitchen\/Oven"/],
  'lines of a file below a sentence that leads to them': [
    'This is `kitchen/Oven` now:\n\n    fat()',
    /reads like a change of "kitchen\/Oven"/,
  ],
  'a fence below a quoted heading': [
    '> #### Changes to kitchen/Oven\n```\nfat()\n```',
    /nothing says that it is the whole file/,
  ],
  'a fence below the first line of its file': [
    'Now `kitchen/Oven` is this\nheat\n```\nsalt();\n```',
    /behind "heat", which may belong to "kitchen\/Oven"/,
  ],
  'a file behind a fence around its name': [
    '```\nFile: kitchen/Oven\n```\nheat()\nfat();\n```',
    /unclear whether this fence closes the one before or opens a file/,
  ],
  'a file behind a fence around its name and more, without an end': [
    '```\nAll of\nkitchen/Oven\n...\n```\n\nheat()\n  fat()',
    /unclear whether this fence closes the one before or opens a file/,
  ],
  'a heading of a file and the file in one fence': ['```\n### Edit kitchen/Oven\nfat()\n```', /whole file/],
  'a comment that names a file at the start of a fence': ['```ts\n// kitchen/Oven\nheat()\nfat()\n```', /whole file/],
  'a path at the start of a program in a fence': ['```ts\nkitchen/Oven\nfat()\n```', /whole file/],
  'a file whose fence is closed by the one that opens the next': [
    '### write kitchen/Oven\n````\nfat()\n\n### write kitchen/soup.txt\n````\nwater\n',
    /unclear which fence closes the file/,
  ],
  'a file whose fence is closed by the one below the heading of the next': [
    '### write kitchen/Oven\n````\nfat()\n\n#### And here is kitchen/soup.txt\n````\nwater\n',
    /unclear which fence closes the file/,
  ],
  'lines behind the end of a file': [
    '### write kitchen/Oven\n```\nfat()\n```\nsalt();\n',
    /behind the end of the file/,
  ],
  'a word behind a pair that empties a line': [
    `### edit kitchen/Oven\n${pair('heat()', '')}\nfat`,
    /behind the end of a pair/,
  ],
  'a divider behind the end of a pair': [
    `### edit kitchen/Oven\n\`\`\`\n${pair('heat()', 'words')}\nfat\n=======\n\`\`\``,
    /behind the end of a pair/,
  ],
  'a pair that ends in a divider behind a heading': [
    '### edit kitchen/Oven\n```\n<<<<<<< SEARCH\nheat()\n=======\nfat()\n```\n### Step 2\n```\nsalt()\n=======\n```',
    /a second divider/,
  ],
  'a quoted divider': ['~~~\nheat()\n> =======\nfat()', /"> =======" is no marker of a pair/],
  'a quoted end': ['The next one\n  heat()\n=======\n  fat()\n> +++++++ REPLACE', /is no marker of a pair/],
  'escaped markers': ['&lt;&lt;&lt;&lt;&lt;&lt;&lt; SEARCH\nheat()', /is no marker of a pair/],
  'markers behind back-slashes': ['\\<<<<<<< SEARCH\nheat()', /is no marker of a pair/],
  'markers of too few signs': ['<<< SEARCH\nheat()', /is no marker of a pair/],
  'markers of other signs': ['«««««« SEARCH\nheat()', /is no marker of a pair/],
  'markers as elements': ['<SEARCH>\nheat()\n</SEARCH>', /is no marker of a pair/],
  'markers in square brackets': ['[SEARCH]\nheat()', /is no marker of a pair/],
  'a hunk of which the lines are a list': ['@@ kitchen/Oven\n- heat()\n+ fat()', /looks like a line of a diff/],
  'a command on a line of its own': ['`sed -i s/heat/fat/ kitchen/Oven`', /reads like a change of "kitchen\/Oven"/],
  'a call of another tool by its command': [
    '```json\n{"command": "str_replace", "path": "a"}\n```',
    /is a change in a form/,
  ],
  'a text and the one in its place, in two fences': [
    'Replace in `kitchen/Oven` this:\n```ts\nheat()\n```\nwith:\n```ts\nfat()\n```',
    /"kitchen\/Oven": is named for a fence/,
  ],
  'a text and the one in its place, without a file': ['SEARCH:\n```\nsalt\n```\nREPLACE:\n```\nfat\n```', /whole file/],
}

for (const [name, [rest, message]] of Object.entries(refused)) {
  test(`no part of a damaged answer is passed over: ${name}`, async () => {
    assert.match(await refusalOf(FILES, `${FIRST}\n${rest}`), message)
  })
}

const passed: Record<string, string> = {
  'a list of files in a fence': 'These change:\n```\nkitchen/soup.txt\nkitchen/Oven\n```\n\nAll of them.',
  'a list below a heading that mentions a file': '### Notes on kitchen/Oven\n\n- it stays;\n- as it is,\n  and so on',
  'a list below a path': '- `kitchen/Oven` stays,\n  as it is.',
  'what a file holds, behind a comment that names it': '```ts\n// kitchen/Oven\nheat()\n```',
  'what was replaced, and with what': 'So this:\n```\nleek\n```\nis replaced with:\n```\nLEEK\n```',
  'a heading of setext': 'The oven\n========\n\nIt stays.',
  'what a program prints': 'It prints:\n```\nkitchen/Oven\n  1 problem\n```\n\nDone.',
}

for (const [name, rest] of Object.entries(passed)) {
  test(`words and views are no change: ${name}`, async () => {
    assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n${rest}`), SOUP)
  })
}

test('a pair in a fence belongs to the file that the fence names', async () => {
  const answer = `${FIRST}\n\`\`\`ts kitchen/Oven\n${pair('salt();', 'fat();')}\n\`\`\``
  assert.deepEqual(await outcomeOf(FILES, answer), { ...SOUP, 'kitchen/Oven': 'heat()\nfat();\n' })
})

const endings: Record<string, string> = {
  'an address': '# from https://example.com/run.html',
  'a file of another place': '# see config/app.yaml',
}

for (const [name, comment] of Object.entries(endings)) {
  test(`a file may end in a comment that names no file of the order: ${name}`, async () => {
    const outcome = await outcomeOf(FILES, `### write kitchen/Oven\n\`\`\`sh\nheat\n${comment}\n\`\`\`\nDone.\n`)
    assert.deepEqual(outcome, { 'kitchen/Oven': `heat\n${comment}\n` })
  })
}

/** Words of ordinary answers that stand behind a pair, a file or a diff, and are none of its lines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../../test/support/edit-outcome.ts'

const FILES: Files = {
  'README.md': '# Cart\n\nRun `npm test` to test it.\n\n- one\n- two\n\n> Old note\n\n**Old**\n',
  'a.py': "import os\nx = foo(1)\nprint('hi')\n",
  'a.yaml': 'k:\n  - b\nname: app\n',
  'src/a.ts': 'const a = 1\nconst b = 2\n',
}
const edit = (path: string, search: string, replace: string) =>
  `### edit ${path}\n<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE`
const TITLE = edit('README.md', '# Cart', '# The cart')
const ITEM = edit('README.md', '- two', '- three')
const YAML = edit('a.yaml', '  - b', '  - c')
const BOLD = edit('README.md', '**Old**', '')
const QUOTE = edit('README.md', '> Old note', '')
const COMMAND = edit('README.md', 'Run `npm test` to test it.', 'Run `npm test` or `npm run watch` to test it.')
const CODE = edit('src/a.ts', 'const a = 1', 'const a = 2')

async function applies(answer: string): Promise<void> {
  const outcome = await outcomeOf(FILES, answer, [...Object.keys(FILES), 'src/fee.ts'])
  assert.equal(typeof outcome, 'object', JSON.stringify(outcome))
}

const apart: readonly (readonly [string, readonly string[]])[] = [
  [TITLE, ['### Summary', '## Summary', '### Explanation', '# Notes', '#### Why']],
  [ITEM, ['---', '- done', '- Tests', '- `two`']],
  [YAML, ['---', '- two', '- done', '- Tests']],
  [BOLD, ['**Done**', '**Why**', '* done', '***']],
  [QUOTE, ['> Note']],
  [COMMAND, ['`npm test`', 'npm test']],
  [CODE, ['`const a = 1` became `const a = 2`', '`const a = 2`', '- `a` = 1', '- a = 1 → 2']],
  [edit('a.py', 'import os', 'import sys'), ['`import os`', '`import os` → `import sys`']],
  [
    edit('a.py', "print('hi')", "print('hello')"),
    ["`print('hi')` → `print('hello')`", "print('hi') is now print('hello')."],
  ],
  [edit('a.yaml', 'name: app', 'name: shop'), ['`name: app` → `name: shop`']],
]

for (const [pair, lines] of apart) {
  for (const line of lines) {
    test(`words behind a pair and a blank line are words: ${line} behind ${pair.split('\n')[2]}`, async () => {
      await applies(`${pair}\n\n${line}\n\nThe change is small.\n`)
    })
  }
}

const near = [
  'Fixes #123.',
  'Closes #45',
  'Refs: ABC-123',
  'Signed-off-by: A Person <a@b.c>',
  'Files changed: 2',
  'Before: `3`',
  'Result: 0.6',
  'Callers: src/index.ts, src/server.ts',
  'Note that 0.6 == 3 * 0.2.',
  'See src/cart.ts#L4.',
  '[README](README.md) explains it.',
  'https://example.com/docs/index.html explains the rate.',
  '| File | Change |',
  '• adds tax',
  '→ `total` is taxed',
  '-> total is taxed',
  '— the total is taxed',
  '# Explanation',
  '[END]',
  '(End of answer)',
  'END',
  'Done',
  '<!-- end -->',
  'total() now returns the taxed sum',
  '@alice: please review.',
  '`const a = 1` became `const a = 2`',
]

for (const line of near) {
  test(`words right behind a pair or a file are none of its lines: ${line}`, async () => {
    await applies(`${CODE}\n${line}\n`)
    await applies(`### write src/fee.ts\n\`\`\`ts\nexport const fee = 1\n\`\`\`\n${line}\n`)
  })
}

test('a list right behind the edit of another list is words, where it is not written alike', async () => {
  await applies(`${YAML}\n- Added \`c\` to the items\n`)
  await applies('### write README.md\n````\n# Cart\n\n- a\n- b\n````\n- Rewrote the README\n')
})

test('a sentence right behind a pair that puts another in place of one like it is words', async () => {
  await applies(`${COMMAND}\nRun \`npm test\` to check it.\n`)
})

const resembling: readonly (readonly [string, string])[] = [
  [ITEM, '- four'],
  [edit('README.md', '- two', '- two\n- three'), '- name: a long value'],
  [CODE, '# Build it\nb = 3'],
  [edit('README.md', '# Cart', '# The cart'), '# Notes'],
  [edit('a.yaml', 'name: app', 'Name: app'), 'Port: 80'],
  [edit('src/a.ts', 'const a = 1\nconst b = 2', 'const a = 2'), '\nconst b = 3'],
]

for (const [pair, line] of resembling) {
  test(`a line behind a pair that is like its lines refuses the answer: ${line.trim()}`, async () => {
    assert.match(await refusalOf(FILES, `${pair}\n${line}\n`), /stands behind/)
  })
}

const DIFF = '--- a/src/a.ts\n+++ b/src/a.ts\n@@ -1,2 +1,2 @@\n-const a = 1\n+const a = 2\n const b = 2'
const FENCED = `\`\`\`diff\n${DIFF}\n\`\`\``
const signed = ['+ Adds a', '+ `a` is 2', '+ done', '+1 line', '-> a is 2', '-Added a', '-- The bot', '- a = 1 → 2']
const items = ['- foo()', '- return 1', '- Use {a, b}', '- import os', '- class names are kept;', '- end']

for (const line of [...signed, ...items]) {
  test(`an item or a sign of words farther behind a diff is no line of it: ${line}`, async () => {
    await applies(`${FENCED}\n\n${line}\n\nThe change is small.\n`)
    await applies(`${DIFF}\n\nThe change is small:\n\n${line}\n`)
    if (signed.includes(line)) await applies(`${DIFF}\n\n${line}\n`)
  })
}

const hunks: Record<string, string> = {
  'a line without a space behind its sign': '-const b = 2',
  'a line in place of another': '- foo(b)\n+ foo(c)',
  'a line of code that is added': '+ b = 3',
}

for (const [name, lines] of Object.entries(hunks)) {
  test(`lines of a diff behind a sentence refuse the answer: ${name}`, async () => {
    for (const diff of [DIFF, FENCED])
      assert.match(await refusalOf(FILES, `${diff}\n\nAnd the other one.\n\n${lines}\n`), /edits_malformed/)
  })
}

test('an item of a list of code is words where a blank line stands between it and a diff', async () => {
  for (const items of ['- foo()', '- foo()\n- bar();', 'Calls:\n- foo()']) await applies(`${DIFF}\n\n${items}\n`)
  const lost = ['- foo()\n+ bar()', '+ foo()', '-  foo()', '-foo()', '- return 1']
  for (const lines of lost)
    assert.match(await refusalOf(FILES, `${DIFF}\n\n${lines}\n`), /behind the end of a diff/, lines)
  await refusalOf(FILES, `${DIFF}\n- foo()\n`)
})

test('signs that lines of the file begin with are those of a diff', async () => {
  const diff = '--- a/README.md\n+++ b/README.md\n@@ -5,2 +5,2 @@\n-- one\n+- uno\n - two'
  assert.match(await refusalOf(FILES, `${diff}\n\nAnd this.\n\n-- two\n`), /behind the end of a diff/)
})

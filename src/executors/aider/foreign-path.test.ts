import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuseForeignPath } from './foreign-path.ts'

const BLOCK = '<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE\n'
const refused = (above: string) => refuseForeignPath(`Sure.\n\n${above}${BLOCK}`)?.details['path'] ?? null

test('a place that is not for edits is refused wherever Aider would read its name', () => {
  for (const [above, name] of [
    ['../x\n```\n', '../x'],
    ['a/../../x\n```\n', 'a/../../x'],
    ['/etc/x\n```\n', '/etc/x'],
    ['~/x\n', '~/x'],
    ['```python ../x\n', 'python ../x'],
    ['**`../x`:**\n```\n', '../x'],
    ['# ../x\n````\n```js\n', '../x'],
    ['../x\n<source>\n', '../x'],
    ['<sourcecode>../x\n', '../x'],
    ['docs/.git/config\n```\n', 'docs/.git/config'],
    ['.git\n```\n', '.git'],
    ['\x1f/etc/x\n```\n', '/etc/x'],
    ['<think>a</think>/etc/x\n```\n', '<think>a</think>/etc/x'],
    ['<think>a</think>../x\n```\n', '<think>a</think>../x'],
    ['sub/.GIT/hooks/post-checkout\n```\n', 'sub/.GIT/hooks/post-checkout'],
  ] as const) {
    assert.equal(refused(above), name, above)
  }
})

test("Python's other ends of lines hide nothing", () => {
  assert.equal(refuseForeignPath('../x\n<<<<<<< SEARCH\x1f\n=======\nx\n>>>>>>> REPLACE\n')?.code, 'aider_out_of_scope')
  for (const end of ['\r\n', '\r', '\v', '\f', '\x1c', '\x85', '\u2028', '\u2029']) {
    const answer = `a.txt is fine.\n../x${end}\`\`\`${end}${BLOCK.replaceAll('\n', end)}`
    assert.equal(refuseForeignPath(answer)?.code, 'aider_out_of_scope', JSON.stringify(end))
  }
})

test('files of the tree, paths in prose and in code are no names', () => {
  for (const above of [
    'src/a.js\n```\n',
    'über uns/.gitignore\n```js\n',
    'See ../x and /etc/x.\n\na.txt\n```\n',
    "import x from '../x'\n>>>>>>> REPLACE\n```\na.txt\n```\n",
  ]) {
    assert.equal(refused(above), null, above)
  }
  assert.equal(refuseForeignPath('../x\n```\nno block\n```\n'), null)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultOf } from '../../test/support/fault-of.ts'
import { applyEdits } from './apply-edits.ts'
import { parseEdits } from './parse-edits.ts'

type File = { text: string; executable: boolean }
const SCOPE = ['run.sh', 'a.txt', 'new.sh', 'new.txt', 'src/']
const FILES: Readonly<Record<string, File>> = {
  'run.sh': { text: 'one\ntwo\n', executable: true },
  'a.txt': { text: 'one\ntwo\n', executable: false },
  'src/unended.txt': { text: 'one\ntwo', executable: false },
  'src/crlf.txt': { text: 'one\r\ntwo', executable: false },
  'src/logo.png': { text: 'a\0b', executable: false },
}

/** Per file that differs `text`, or `mode text` where a mode is asked for; null: it is gone. */
async function made(answer: string): Promise<Record<string, string | null>> {
  const read = async (path: string) => {
    const file = FILES[path]
    return file === undefined ? null : Buffer.from(file.text)
  }
  const isExecutable = async (path: string) => FILES[path]?.executable === true
  const changes = await applyEdits(parseEdits(answer, SCOPE), { read, isExecutable, scope: SCOPE })
  return Object.fromEntries(
    changes.map(({ path, content, executable }) => {
      const mode = executable === undefined ? '' : executable ? '+x ' : '-x '
      return [path, content === null ? null : `${mode}${content.toString()}`]
    }),
  )
}

const PAIR = '<<<<<<< SEARCH\ntwo\n=======\n2\n>>>>>>> REPLACE\n'
const write = (name: string, text = 'x') => `### write ${name}\n\`\`\`\`\n${text}\n\`\`\`\`\n`
const diffOf = (...lines: string[]) => ['diff --git a/a.txt b/a.txt', ...lines, ''].join('\n')
const HUNK = ['--- a/a.txt', '+++ b/a.txt', '@@ -1,2 +1,2 @@', ' one', '-two']
const NO_NEWLINE = '\\ No newline at end of file'

const MADE: Readonly<Record<string, readonly [answer: string, made: Record<string, string | null>]>> = {
  'a new executable file': [write('new.sh (executable)'), { 'new.sh': '+x x\n' }],
  'a new file without a final newline': [write('new.txt (no final newline)'), { 'new.txt': 'x' }],
  'a new file with both': [write('new.sh (executable, no final newline)'), { 'new.sh': '+x x' }],
  'an empty file without a newline': ['### write new.txt (no final newline)\n````\n````\n', { 'new.txt': '' }],
  'a mode alone': ['### edit a.txt (executable)\n', { 'a.txt': '+x one\ntwo\n' }],
  'a mode taken away': ['### edit run.sh (not executable)\n', { 'run.sh': '-x one\ntwo\n' }],
  'a mode of a binary file': ['### edit src/logo.png (executable)\n', { 'src/logo.png': '+x a\0b' }],
  'a mode as chmod has it': ['### edit a.txt (chmod +x)\n', { 'a.txt': '+x one\ntwo\n' }],
  'a mode as git has it': ['### edit a.txt (mode 100755)\n', { 'a.txt': '+x one\ntwo\n' }],
  'a mode with pairs': [`### edit a.txt (executable)\n${PAIR}`, { 'a.txt': '+x one\n2\n' }],
  'a mode between two other files': [
    `### edit a.txt (executable)\n\n### edit run.sh\n${PAIR}`,
    { 'a.txt': '+x one\ntwo\n', 'run.sh': 'one\n2\n' },
  ],
  'a mode with a renaming': ['### rename a.txt -> new.sh (executable)\n', { 'a.txt': null, 'new.sh': '+x one\ntwo\n' }],
  'a mode before a renaming': [
    '### edit a.txt (executable)\n\n### rename a.txt -> new.sh\n',
    { 'a.txt': null, 'new.sh': '+x one\ntwo\n' },
  ],
  'a newline taken away': ['### edit a.txt (no final newline)\n', { 'a.txt': 'one\ntwo' }],
  "a newline taken away in git's words": ['### edit a.txt (No newline at end of file)\n', { 'a.txt': 'one\ntwo' }],
  'a newline taken away with pairs': [`### edit a.txt (no final newline)\n${PAIR}`, { 'a.txt': 'one\n2' }],
  'a newline added': ['### edit src/unended.txt (final newline)\n', { 'src/unended.txt': 'one\ntwo\n' }],
  'a newline added as the other lines have it': [
    '### edit src/crlf.txt (final newline)\n',
    { 'src/crlf.txt': 'one\r\ntwo\r\n' },
  ],
  'a blank line behind an added newline': [
    write('src/unended.txt (final newline)', 'one\n'),
    { 'src/unended.txt': 'one\n\n' },
  ],
  'a whole file without a newline': [write('a.txt (no final newline)'), { 'a.txt': 'x' }],
  'a title with a mode': ['## Create `new.sh` (executable)\n\n```sh\nx\n```\n', { 'new.sh': '+x x\n' }],
  'a title with a mode above a pair': [`**a.txt** (executable):\n\n${PAIR}`, { 'a.txt': '+x one\n2\n' }],
  'a patch with a mode': [
    '*** Begin Patch\n*** Add File: new.sh (executable)\n+x\n*** End Patch\n',
    { 'new.sh': '+x x\n' },
  ],
  'a diff with a new executable file': [
    'diff --git a/new.sh b/new.sh\nnew file mode 100755\n--- /dev/null\n+++ b/new.sh\n@@ -0,0 +1 @@\n+x\n',
    { 'new.sh': '+x x\n' },
  ],
  'a diff with a new empty executable file': [
    'diff --git a/new.sh b/new.sh\nnew file mode 100755\nindex 0000000..e69de29\n',
    { 'new.sh': '+x ' },
  ],
  'a diff with a new file without a final newline': [
    `diff --git a/new.txt b/new.txt\nnew file mode 100644\n--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+x\n${NO_NEWLINE}\n`,
    { 'new.txt': 'x' },
  ],
  'a diff with a mode alone': [diffOf('old mode 100644', 'new mode 100755'), { 'a.txt': '+x one\ntwo\n' }],
  'two diffs, the first with a mode alone': [
    `${diffOf('old mode 100644', 'new mode 100755')}diff --git a/run.sh b/run.sh\n--- a/run.sh\n+++ b/run.sh\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n`,
    { 'a.txt': '+x one\ntwo\n', 'run.sh': 'one\n2\n' },
  ],
  'a diff with a mode and a hunk': [
    diffOf('old mode 100644', 'new mode 100755', ...HUNK, '+2'),
    { 'a.txt': '+x one\n2\n' },
  ],
  'a diff with a mode and a renaming': [
    'diff --git a/a.txt b/new.sh\nold mode 100644\nnew mode 100755\nsimilarity index 100%\nrename from a.txt\nrename to new.sh\n',
    { 'a.txt': null, 'new.sh': '+x one\ntwo\n' },
  ],
  'a diff that takes a newline away': [diffOf(...HUNK, '+two', NO_NEWLINE), { 'a.txt': 'one\ntwo' }],
  'a diff that adds a newline': [
    `diff --git a/src/unended.txt b/src/unended.txt\n--- a/src/unended.txt\n+++ b/src/unended.txt\n@@ -1,2 +1,3 @@\n one\n-two\n${NO_NEWLINE}\n+two\n+\n`,
    { 'src/unended.txt': 'one\ntwo\n\n' },
  ],
  'a header with a mode above the hunks of its file': [
    `### edit a.txt (executable)\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n`,
    { 'a.txt': '+x one\n2\n' },
  ],
  'a command behind a new file': [
    `${write('new.sh')}\nThen:\n\n\`\`\`bash\nchmod +x ./new.sh && ./new.sh\n\`\`\`\n`,
    { 'new.sh': '+x x\n' },
  ],
  'a command alone': ['```sh\n$ git update-index --chmod=+x a.txt\n```\n', { 'a.txt': '+x one\ntwo\n' }],
  'a command with an octal mode': ['```\nchmod 644 run.sh\n```\n', { 'run.sh': '-x one\ntwo\n' }],
  'a command for what a block says': [
    `${write('new.sh (executable)')}\n\`\`\`sh\nchmod 755 new.sh\n\`\`\`\n`,
    { 'new.sh': '+x x\n' },
  ],
  'a pair behind a command': [
    `### edit a.txt\n${PAIR}\n\`\`\`sh\nchmod +x new.sh\nchmod +x other.sh\n\`\`\`\n\n${write('new.sh')}`,
    { 'a.txt': 'one\n2\n', 'new.sh': '+x x\n' },
  ],
  'a command with another form of mode': ['```sh\nchmod -v ug+x,o-w a.txt\n```\n', { 'a.txt': '+x one\ntwo\n' }],
  'a command that says who may': ['```sh\nchmod u=rwx,go= a.txt\n```\n', { 'a.txt': '+x one\ntwo\n' }],
  'a command with all bits': ['```sh\nchmod a+rx a.txt\n```\n', { 'a.txt': '+x one\ntwo\n' }],
  'commands in a loop': [
    '```sh\nfor f in a.txt src/logo.png; do\n  chmod +x "$f"\ndone\n```\n',
    { 'a.txt': '+x one\ntwo\n', 'src/logo.png': '+x a\0b' },
  ],
  'words for what a block says': [
    `${write('new.sh (executable)')}\nMake \`new.sh\` executable (\`chmod +x new.sh\`).\n`,
    { 'new.sh': '+x x\n' },
  ],
  'two brackets': [write('new.sh (executable) (no final newline)'), { 'new.sh': '+x x' }],
  'an executable script': ['## Create `new.sh` (executable script)\n\n```sh\nx\n```\n', { 'new.sh': '+x x\n' }],
  'a remark about spaces': [write('new.txt (no trailing whitespace)'), { 'new.txt': 'x\n' }],
  'a remark about a comma': [write('new.txt (without a final comma)'), { 'new.txt': 'x\n' }],
  'a remark that is none of them': [write('new.txt (new, for the docs)'), { 'new.txt': 'x\n' }],
}

for (const [what, [answer, expected]] of Object.entries(MADE))
  test(`understood: ${what}`, async () => assert.deepEqual(await made(answer), expected))

const REFUSED: Readonly<Record<string, readonly [answer: string, code: string, says: RegExp]>> = {
  'a mode that is unclear': [
    write('new.sh (executable if needed)'),
    'edits_malformed',
    /"\(executable if needed\)" is not understood/,
  ],
  'opposite modes': ['### edit a.txt (executable, not executable)\n', 'edits_malformed', /is not understood/],
  'opposite modes in two brackets': [
    '### edit a.txt (executable) (not executable)\n',
    'edits_malformed',
    /is not understood/,
  ],
  'more brackets than any path has': [
    '### edit run.sh (+x) (+x) (+x) (+x) (+x)\n',
    'edits_malformed',
    /"\(\+x\) .*\(\+x\)" is not understood/,
  ],
  ...Object.fromEntries(
    ['### edit run.sh', '### write run.sh', '### rename a.txt -> run.sh', '*** Add File: run.sh'].map((header) => [
      `thousands of brackets behind "${header}"`,
      [`${header} ${'(+x)'.repeat(8000)}\n`, 'edits_malformed', /is not understood/] as const,
    ]),
  ),
  'opposite modes in two blocks': [
    '### edit a.txt (executable)\n\n### edit a.txt (not executable)\n',
    'edits_malformed',
    /say opposite modes of "a\.txt"/,
  ],
  'opposite modes in a block and a command': [
    `${write('new.sh (not executable)')}\n\`\`\`sh\nchmod +x new.sh\n\`\`\`\n`,
    'edits_malformed',
    /say opposite modes of "new\.sh"/,
  ],
  'a mode that words ask for': [
    `${write('new.sh')}\nThen make \`new.sh\` executable.\n`,
    'edits_malformed',
    /reads like a change of the mode of "new\.sh"/,
  ],
  'a mode that a command in words sets': [
    `${write('new.sh')}\nThen run \`chmod +x new.sh\`.\n`,
    'edits_malformed',
    /reads like a change of the mode of "new\.sh"/,
  ],
  'a mode that a command finds the files of': [
    `### edit a.txt\n${PAIR}\n\`\`\`sh\nfind src -name "*.sh" -exec chmod +x {} +\n\`\`\`\n`,
    'edits_malformed',
    /reads like a change of the mode of "src\/"/,
  ],
  'a mode of a group': [
    `### edit a.txt\n${PAIR}\n\`\`\`sh\nchmod g+x run.sh\n\`\`\`\n`,
    'edits_malformed',
    /reads like a change of the mode of "run\.sh"/,
  ],
  'a mode that git has not': ['### edit a.txt (mode 600)\n', 'edits_malformed', /"\(mode 600\)" is not understood/],
  'a title with a mode that is unclear': [
    '## Create `new.sh` (executable by its owner)\n```sh\nx\n```\n',
    'edits_malformed',
    /is not understood/,
  ],
  'a mode of a file that is not there': [
    '### edit new.sh (executable)\n',
    'edits_rejected',
    /"new.sh": does not exist/,
  ],
  'a mode of a file that an earlier block deletes': [
    '### rename a.txt -> new.txt\n\n### delete new.txt\n\n### rename a.txt -> new.txt (executable)\n',
    'edits_rejected',
    /"a\.txt": .*new\.txt.* is not there/,
  ],
  'an end that is none': [write('new.txt (no trailing new line here)'), 'edits_malformed', /is not understood/],
  'a mode outside of the scope': ['### edit other.sh (executable)\n', 'change_out_of_scope', /other\.sh/],
  'an empty line at the end, and no newline': [
    write('new.txt (no final newline)', 'x\n'),
    'edits_rejected',
    /would end in an empty line/,
  ],
  'a newline taken away where the file does not end': [
    diffOf('--- a/a.txt', '+++ b/a.txt', '@@ -1 +1 @@', '-one', '+1', NO_NEWLINE),
    'edits_rejected',
    /does not end with the lines of line/,
  ],
  'a newline taken away of a binary file': [
    '### edit src/logo.png (no final newline)\n',
    'edits_rejected',
    /is binary/,
  ],
  'a file that is as it is told': [
    '### edit run.sh (executable)\n',
    'change_without_effect',
    /leave every file as it was/,
  ],
  'a link made by a diff': [
    'diff --git a/new.txt b/new.txt\nnew file mode 120000\n--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+a.txt\n',
    'edits_malformed',
    /a link or a submodule/,
  ],
  'a file made a link': [diffOf('old mode 100644', 'new mode 120000'), 'edits_malformed', /a link or a submodule/],
}

for (const [what, [answer, code, says]] of Object.entries(REFUSED))
  test(`refused: ${what}`, async () => {
    const fault = await faultOf(made(answer))
    assert.equal(fault.code, code, fault.message)
    assert.match(fault.message, says)
  })

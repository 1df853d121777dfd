/** Unified diffs and patches of the form `*** Begin Patch`, which feed the same exact engine. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../../test/support/edit-outcome.ts'

const FILES: Files = { 'src/a.ts': 'one\ntwo\nend\nthree\nend\n', 'src/b.ts': 'b', 'src/e.ts': '' }
const SCOPE = ['src/']
const names = '--- a/src/a.ts\n+++ b/src/a.ts'
const patch = (...lines: string[]) => ['*** Begin Patch', ...lines, '*** End Patch'].join('\n')

const applied: Record<string, [answer: string, after: object]> = {
  'two hunks': [
    `${names}\n@@ -1,2 +1,2 @@\n-one\n+ONE\n two\n@@ -4 +4,2 @@\n three\n+four`,
    { 'src/a.ts': 'ONE\ntwo\nend\nthree\nfour\nend\n' },
  ],
  'a place that the number tells': [`${names}\n@@ -5 +5 @@\n-end\n+END`, { 'src/a.ts': 'one\ntwo\nend\nthree\nEND\n' }],
  'a place that the number tells behind another hunk': [
    `${names}\n@@ -1 +1,2 @@\n one\n+new\n@@ -3 +4 @@\n-end\n+END`,
    { 'src/a.ts': 'one\nnew\ntwo\nEND\nthree\nend\n' },
  ],
  'the same hunk at two places': [
    `${names}\n@@ -3 +3 @@\n-end\n+END\n@@ -5 +5 @@\n-end\n+END`,
    { 'src/a.ts': 'one\ntwo\nEND\nthree\nEND\n' },
  ],
  'wrong numbers, where one place fits': [
    `${names}\n@@ -90 +90 @@\n-two\n+2`,
    { 'src/a.ts': 'one\n2\nend\nthree\nend\n' },
  ],
  'a removed line that starts with dashes': [
    `--- a/src/c.sql\n+++ b/src/c.sql\n@@ -1,2 +1,2 @@\n--- old\n+-- new\n x`,
    { 'src/c.sql': '-- new\nx\n' },
  ],
  'a header of git': [
    `diff --git a/src/a.ts b/src/a.ts\nindex 12..34 100644\n${names}\n@@ -2 +2 @@\n-two\n+2`,
    { 'src/a.ts': 'one\n2\nend\nthree\nend\n' },
  ],
  'a new file': [
    'diff --git a/src/n.ts b/src/n.ts\nnew file mode 100644\n--- /dev/null\n+++ b/src/n.ts\n@@ -0,0 +1,2 @@\n+x\n+y',
    { 'src/n.ts': 'x\ny\n' },
  ],
  'lines of a file that was empty': [
    '--- a/src/e.ts\n+++ b/src/e.ts\n@@ -0,0 +1,2 @@\n+x\n+y',
    { 'src/e.ts': 'x\ny\n' },
  ],
  'a deleted binary file': [
    'diff --git a/src/b.ts b/src/b.ts\ndeleted file mode 100644\nindex 12..00\nBinary files a/src/b.ts and /dev/null differ',
    { 'src/b.ts': null },
  ],
  'a deleted file': [
    'diff --git a/src/b.ts b/src/b.ts\ndeleted file mode 100644\n--- a/src/b.ts\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n\\ No newline at end of file',
    { 'src/b.ts': null },
  ],
  'a rename with a change': [
    'diff --git a/src/a.ts b/src/z.ts\nsimilarity index 80%\nrename from src/a.ts\nrename to src/z.ts\n--- a/src/a.ts\n+++ b/src/z.ts\n@@ -2 +2 @@\n-two\n+2',
    { 'src/a.ts': null, 'src/z.ts': 'one\n2\nend\nthree\nend\n' },
  ],
  'a final newline': [
    '--- a/src/b.ts\n+++ b/src/b.ts\n@@ -1 +1 @@\n-b\n\\ No newline at end of file\n+B',
    { 'src/b.ts': 'B\n' },
  ],
  'no final newline before and after': [
    '--- a/src/b.ts\n+++ b/src/b.ts\n@@ -1 +1 @@\n-b\n\\ No newline at end of file\n+B\n\\ No newline at end of file',
    { 'src/b.ts': 'B' },
  ],
  'hunks below a header': [
    '### edit src/a.ts\n```diff\n@@ -2 +2 @@\n-two\n+2\n```',
    { 'src/a.ts': 'one\n2\nend\nthree\nend\n' },
  ],
  'two files': [
    `${names}\n@@ -2 +2 @@\n-two\n+2\n--- a/src/b.ts\n+++ b/src/b.ts\n@@ -1 +1 @@\n-b\n+B`,
    { 'src/a.ts': 'one\n2\nend\nthree\nend\n', 'src/b.ts': 'B' },
  ],
  'a patch with a context': [
    patch('*** Update File: src/a.ts', '@@ three', '-end', '+END'),
    { 'src/a.ts': 'one\ntwo\nend\nthree\nEND\n' },
  ],
  'a patch of every kind': [
    patch(
      '*** Add File: src/n.ts',
      '+x',
      '*** Delete File: src/b.ts',
      '*** Update File: src/a.ts',
      '*** Move to: src/z.ts',
      '@@',
      ' one',
      '-two',
      '+2',
    ),
    { 'src/n.ts': 'x\n', 'src/b.ts': null, 'src/a.ts': null, 'src/z.ts': 'one\n2\nend\nthree\nend\n' },
  ],
}

for (const [name, [answer, after]] of Object.entries(applied)) {
  test(`a diff is applied: ${name}`, async () => {
    const files = name.includes('dashes') ? { 'src/c.sql': '-- old\nx\n' } : FILES
    assert.deepEqual(await outcomeOf(files, answer, SCOPE), after)
    if (!answer.startsWith('###'))
      assert.deepEqual(await outcomeOf(files, `So:\n\`\`\`diff\n${answer}\n\`\`\``, SCOPE), after)
  })
}

const refused: Record<string, [answer: string, message: RegExp]> = {
  'text that is not there': [`${names}\n@@ -2 +2 @@\n-tow\n+2`, /the SEARCH of line 3 \(1 line\) is not found/],
  'a place that nothing tells': [`${names}\n@@ -9 +9 @@\n-end\n+END`, /is ambiguous: matches at lines 3, 5/],
  'a file that is not empty as if it were': [`${names}\n@@ -0,0 +1 @@\n+new`, /is not empty, but the SEARCH/],
  'no line to find': [`${names}\n@@ -2,0 +3 @@\n+new`, /shows no line of the file/],
  'a line without its sign': [
    `\`\`\`diff\n${names}\n@@ -1,3 +1,3 @@\n-one\n+1\ntwo\n end\n\`\`\``,
    /fewer lines than its header says/,
  ],
  'the end of the answer within a hunk': [`${names}\n@@ -1,3 +1,3 @@\n-one`, /fewer lines than its header says/],
  'a binary file': ['diff --git a/src/x b/src/x\nBinary files a/src/x and b/src/x differ', /changes a binary file/],
  'two names without a rename': ['--- a/src/a.ts\n+++ b/src/b.ts\n@@ -1 +1 @@\n-one\n+1', /names two files/],
  'a file that is there already': [
    '--- /dev/null\n+++ b/src/a.ts\n@@ -0,0 +1 @@\n+x',
    /nothing says that it is the whole file/,
  ],
  'a header for another file': [`### edit src/b.ts\n${names}\n@@ -2 +2 @@\n-two\n+2`, /changes another file/],
  'a file out of scope': [
    '--- a/lib/a.ts\n+++ b/lib/a.ts\n@@ -1 +1 @@\n-one\n+1',
    /outside files_in_scope: "lib\/a.ts"/,
  ],
  'a patch that does not end': [
    '*** Begin Patch\n*** Update File: src/a.ts\n@@\n-two\n+2',
    /never closed by a line "\*\*\* End Patch"/,
  ],
  'a place below a context that is not there': [
    patch('*** Update File: src/a.ts', '@@ nowhere', '-end', '+END'),
    /is ambiguous/,
  ],
  'a hunk of no file': ['@@ -1 +1 @@\n-one\n+1', /this diff names no file/],
}

for (const [name, [answer, message]] of Object.entries(refused)) {
  test(`a diff is refused: ${name}`, async () => assert.match(await refusalOf(FILES, answer, SCOPE), message))
}

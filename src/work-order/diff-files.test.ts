import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesOfDiff, forReading, readableDiff } from './diff-files.ts'

const MODIFIED = `diff --git a/src/a b.ts b/src/a b.ts
index 5716ca5..7601807 100644
--- a/src/a b.ts\t
+++ b/src/a b.ts\t
@@ -1,3 +1,3 @@
 same
--- a line that looks like a name
+++ another
+diff --git a/no b/no
\\ No newline at end of file
`
const ADDED = `diff --git a/new.txt b/new.txt
new file mode 100644
index 0000000..e69de29
`
const DELETED = `diff --git "a/t\\ta\\303\\244\\"b" "b/t\\ta\\303\\244\\"b"
deleted file mode 100644
index e69de29..0000000
--- "a/t\\ta\\303\\244\\"b"
+++ /dev/null
@@ -1 +0,0 @@
-gone
`
const BINARY = `diff --git a/a.png b/a.png
index 1..2 100644
GIT binary patch
literal 3
+cmZQzU|?ckVqgFP00

`

test('files of a diff have their names, counts and parts', () => {
  const { files, cut } = filesOfDiff(MODIFIED + ADDED + DELETED + BINARY)
  assert.equal(cut, null)
  assert.deepEqual(
    files.map(({ path, change, added, deleted }) => ({ path, change, added, deleted })),
    [
      { path: 'src/a b.ts', change: 'modified', added: 2, deleted: 1 },
      { path: 'new.txt', change: 'added', added: 0, deleted: 0 },
      { path: 't\ta\u00e4"b', change: 'deleted', added: 0, deleted: 1 },
      { path: 'a.png', change: 'modified', added: null, deleted: null },
    ],
  )
  assert.deepEqual(
    files.map(({ diff }) => diff),
    [MODIFIED, ADDED, DELETED, BINARY],
  )
})

test('what was left out of a long diff is told, and is not taken for a line', () => {
  const note = '[… 120 bytes left out …]'
  const { files, cut } = filesOfDiff(`${MODIFIED}${note}\n`)
  assert.deepEqual([files.length, files[0]?.added, cut], [1, 2, note])
  assert.deepEqual(filesOfDiff(''), { files: [], cut: null })
  assert.equal(filesOfDiff(MODIFIED.replace(' same', ` ${note}`)).cut, null)
})

test('the time grows with the diff', () => {
  const began = performance.now()
  const { files } = filesOfDiff(ADDED.repeat(20_000))
  assert.equal(files.length, 20_000)
  assert.ok(performance.now() - began < 5_000)
})

test('a line whose text goes on behind another separator than a line feed begins no file', () => {
  const spoofed = MODIFIED.replace('+++ another', '+x\rdiff --git a/y b/y\u2028diff --git a/z b/z')
  assert.deepEqual(
    filesOfDiff(spoofed).files.map(({ path }) => path),
    ['src/a b.ts'],
  )
})

test('text in another encoding is read as text, with its lines counted, and stays a patch that applies', () => {
  const asText =
    'diff --git a/l b/l\nindex 1..2 100644\n--- a/l\n+++ b/l\n@@ -1 +1 @@\n-caf\u00e9\n+diff --git a/x b/x\n'
  const part = `diff --git a/l b/l\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmb=J\n\n${forReading(asText)}`
  const { files } = filesOfDiff(part + MODIFIED)
  assert.deepEqual(
    files.map(({ path, added, deleted, text }) => [path, added, deleted, text]),
    [
      ['l', 1, 1, asText],
      ['src/a b.ts', 2, 1, null],
    ],
  )
  assert.equal(files[0]?.diff, part)
  assert.equal(readableDiff(part + MODIFIED), asText + MODIFIED)
  const spoofed = MODIFIED.replace(' same', '# The same as text, for reading:')
  assert.equal(readableDiff(spoofed), spoofed)
})

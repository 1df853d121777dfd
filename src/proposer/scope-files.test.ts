import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryTree } from '../../test/support/memory-tree.ts'
import { readScopeFiles } from './scope-files.ts'

const code = (expected: string) => (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === expected

/** Words in Cyrillic letters. */
const KOI8 = Buffer.from([0xd0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4, 0x0a])

test('files, missing files and folders are read in the order of the scope', async () => {
  const tree = memoryTree({ 'src/b.ts': '\ufeffb\r\nc', 'docs/a.md': 'a\n', 'docs/b.md': '', 'other.ts': 'x' })
  assert.deepEqual(await readScopeFiles(tree, ['src/b.ts', 'docs/', 'docs/a.md', 'new.ts', 'empty/'], 1_000), [
    { kind: 'text', path: 'src/b.ts', lines: ['b', 'c'], said: ['no final newline'] },
    { kind: 'text', path: 'docs/a.md', lines: ['a'] },
    { kind: 'text', path: 'docs/b.md', lines: [] },
    { kind: 'missing', path: 'new.ts' },
    { kind: 'empty-folder', path: 'empty/' },
  ])
})

test('a file without text is named and not shown, and does not count', async () => {
  const tree = memoryTree({ 'logo.png': Buffer.from([0x89, 0, 1]), 'docs/koi8.txt': KOI8 })
  const files = await readScopeFiles(tree, ['logo.png', 'docs/'], 1)
  assert.deepEqual(
    files.map(({ kind }) => kind),
    ['opaque', 'opaque'],
  )
})

test('a file that is named and whose encoding cannot be told is refused by its name', async () => {
  const refused = readScopeFiles(memoryTree({ 'koi8.txt': KOI8 }), ['koi8.txt'], 100)
  await assert.rejects(refused, (error: Error) => {
    assert.ok(code('scope_unreadable')(error))
    assert.match(error.message, /^koi8\.txt is not UTF-8, and its encoding cannot be told.*Nothing was paid for/)
    return true
  })
})

test('a file in an encoding that cannot be told is refused with how an order can delete or rename it', async () => {
  const tree = memoryTree({ 'koi8.txt': KOI8, 'docs/old/koi8.txt': KOI8 })
  const inFolder = /To have it deleted or renamed, name its folder in its place: docs\/old\/$/
  await assert.rejects(readScopeFiles(tree, ['docs/old/koi8.txt'], 100), { message: inFolder })
  const atTop = /An order cannot delete or rename it there: do that by hand\.$/
  await assert.rejects(readScopeFiles(tree, ['koi8.txt'], 100), { message: atTop })
  const [file] = await readScopeFiles(tree, ['docs/old/'], 100)
  assert.equal(file?.kind, 'opaque')
})

test('what is unusual about a file is said', async () => {
  const utf16 = Buffer.from('\ufeffgr\u00f6\u00dfer\r\n', 'utf16le')
  const tree = memoryTree({ 'bin/run': 'x\n', 'a.txt': utf16, 'b.txt': Buffer.from('caf\xe9', 'latin1') })
  const isExecutable = async (path: string) => path === 'bin/run'
  assert.deepEqual(await readScopeFiles({ ...tree, isExecutable }, ['bin/run', 'a.txt', 'b.txt'], 100), [
    { kind: 'text', path: 'bin/run', lines: ['x'], said: ['executable'] },
    { kind: 'text', path: 'a.txt', lines: ['gr\u00f6\u00dfer'], said: ['utf-16le'] },
    {
      kind: 'text',
      path: 'b.txt',
      lines: ['caf\u00e9'],
      said: ['no final newline', 'not UTF-8: put in ASCII and characters that it has already, no others'],
    },
  ])
})

test('more than the bound is refused with the sizes and what to do', async () => {
  const tree = memoryTree({ 'small.ts': 'x'.repeat(40), 'large.ts': 'x'.repeat(61) })
  await assert.rejects(readScopeFiles(tree, ['small.ts', 'large.ts'], 100), (error: Error) => {
    assert.ok(code('scope_too_large')(error))
    assert.match(error.message, /101 bytes where 100 .*large\.ts 61, small\.ts 40.*MOOSE_CONTEXT_MAX_BYTES/)
    return true
  })
  assert.equal((await readScopeFiles(tree, ['small.ts', 'large.ts'], 101)).length, 2)
})

test('a link is refused where it is named and passed over in a folder', async () => {
  const tree = memoryTree({ 'docs/link.md': null })
  await assert.rejects(readScopeFiles(tree, ['docs/link.md'], 100), code('scope_unreadable'))
  const [file] = await readScopeFiles(tree, ['docs/'], 100)
  assert.equal(file?.kind, 'opaque')
})

test('an empty scope and a path outside the repository are refused before anything is read', async () => {
  await assert.rejects(readScopeFiles(memoryTree({}), [], 100), code('files_in_scope_required'))
  await assert.rejects(readScopeFiles(memoryTree({}), ['../etc/passwd'], 100), code('request_invalid'))
})

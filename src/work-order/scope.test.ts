import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { isInScope, pathProblem, scopesOverlap } from './scope.ts'

test('a path from the root of the repository is fine, a folder ends in a slash', () => {
  for (const good of [
    'a',
    'src/a.ts',
    'src/',
    'döner/ß.txt',
    'with space/in it.md',
    '.github/x.yml',
    '.gitignore',
    'a..b',
  ])
    assert.equal(pathProblem(good), null, good)
})

test('a path that leaves the tree, names git or hides something is refused by reason', () => {
  const refused: [string, RegExp][] = [
    ['', /empty/],
    ['/etc/passwd', /absolute/],
    ['C:/x', /absolute/],
    ['../x', /leaves the repository/],
    ['a/../../x', /leaves the repository/],
    ['a//b', /empty folder name/],
    ['./a', /\. segment/],
    ['.git/config', /git's own folder/],
    ['a/.GIT/hooks', /git's own folder/],
    ['.git./x', /git's own folder/],
    ['git~1/x', /git's own folder/],
    ['.g\u200cit/x', /git's own folder/],
    ['a\0b', /control character/],
    ['a\nb', /control character/],
    ['a\\b', /backslash/],
    ['--load=x', /dash/],
    [' a', /space/],
    ['\ud800', /half of a character/],
    ['x'.repeat(513), /513 bytes/],
  ]
  for (const [bad, reason] of refused) assert.match(String(pathProblem(bad)), reason, JSON.stringify(bad))
})

test('no accepted path resolves outside the root or into .git', () => {
  const piece = fc.oneof(
    fc.constantFrom('..', '.', '.git', '.GIT', '', 'a', 'b', 'git~1', '.git '),
    fc.string({ maxLength: 6 }),
  )
  const candidate = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join('/'))
  fc.assert(
    fc.property(candidate, (text) => {
      if (pathProblem(text) !== null) return
      const resolved = path.posix.resolve('/root/tree', text)
      assert.ok(resolved.startsWith('/root/tree/'))
      assert.ok(
        !resolved
          .slice(1)
          .toLowerCase()
          .split('/')
          .some((name) => name.trim() === '.git'),
      )
    }),
    { numRuns: 2_000 },
  )
})

test('a scope covers the files it names and what is inside the folders it names', () => {
  assert.ok(isInScope('src/a.ts', ['src/a.ts']))
  assert.ok(isInScope('src/deep/a.ts', ['src/']))
  assert.ok(!isInScope('src/a.ts', ['src/a']))
  assert.ok(!isInScope('srcx/a.ts', ['src/']))
  assert.ok(!isInScope('SRC/a.ts', ['src/']))
})

test('two scopes overlap exactly when some file is in both', () => {
  const entry = fc.constantFrom('a', 'b', 'c/', 'c/d', 'c/d/', 'c/d/e', 'f/g')
  const scope = fc.array(entry, { maxLength: 3 })
  const files = ['a', 'b', 'c/x', 'c/d', 'c/d/e', 'c/d/x', 'f/g']
  fc.assert(
    fc.property(scope, scope, (left, right) => {
      const shared = files.some((file) => isInScope(file, left) && isInScope(file, right))
      assert.equal(scopesOverlap(left, right), shared)
      assert.equal(scopesOverlap(right, left), shared)
    }),
  )
})

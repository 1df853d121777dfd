import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aliasesBy } from './link-aliases.ts'

const aliases = (links: Readonly<Record<string, string>>) =>
  aliasesBy(Object.entries(links).map(([link, target]) => ({ path: link, target })))
const names = (links: Readonly<Record<string, string>>, path: string) => aliases(links).of(path)

test('a path has the names of the links that lead to it or to a folder above it', () => {
  assert.deepEqual(names({ 'AGENTS.md': 'docs/a.md' }, 'docs/a.md'), ['AGENTS.md'])
  assert.deepEqual(names({ '.x/y': '../docs' }, 'docs/a.md'), ['.x/y/a.md'])
  assert.deepEqual(names({ a: 'Docs/./A.md' }, 'docs/a.md'), ['a'])
  assert.deepEqual(names({ a: 'docs' }, 'docs2/a.md'), [])
})

test('links lead over links, before and behind', () => {
  assert.deepEqual(names({ a: 'b/c', b: 'd' }, 'd/c/e')?.toSorted(), ['a/e', 'b/c/e'])
  assert.deepEqual(names({ '.claude': 'tools', 'tools/s.json': '../x.json' }, 'x.json')?.toSorted(), [
    '.claude/s.json',
    'tools/s.json',
  ])
})

test('a link has the names of the links that lead over it', () => {
  assert.deepEqual(names({ 'AGENTS.md': 'rules/a.md', rules: 'v1' }, 'rules'), ['AGENTS.md'])
  assert.deepEqual(names({ '.claude': 'tools', 'tools/s.json': '../now/x.json', now: 'v1' }, 'now')?.toSorted(), [
    '.claude/s.json',
    'tools/s.json',
  ])
})

test('what leads out of the tree or to the root is followed, and names of it end', () => {
  assert.deepEqual(names({ a: '/etc', b: '../x' }, 'x'), [])
  assert.deepEqual(names({ a: '.', b: '.' }, 'x')?.toSorted(), ['a/b/x', 'a/x', 'b/a/x', 'b/x'])
  assert.ok(aliases({ a: '/etc', b: '../x', c: '.' }).isFollowed('a'))
})

test('it is told which links lead too far or in a circle, and which paths have too many names', () => {
  assert.ok(!aliases({ c: 'd', d: 'c' }).isFollowed('c'))
  assert.ok(!aliases({ a: `${'b/'.repeat(200)}c` }).isFollowed('a'))
  const deep = aliases(
    Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`l${n}`, `${'l0/'.repeat(300)}l${n + 1}`])),
  )
  assert.ok(!deep.isFollowed('l0'))
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`l${n}`, 'x']))
  assert.equal(names(many, 'x'), null)
})

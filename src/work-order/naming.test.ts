import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { branchName, branchNames, pullRequestTitle, slugOf, whyNoBranchPattern } from './naming.ts'

const SHORT = '0a1b2c3d'
const named = (title: string, attempt: number, pattern: string | null = null) =>
  branchName({ pattern, shortId: SHORT, title, attempt })

test('a slug is cut at a word and keeps letters under their accents', () => {
  assert.equal(slugOf('Füge Übersetzungen für Straßennamen hinzu'), 'fuge-ubersetzungen-fur-stra-ennamen')
  assert.equal(slugOf('Add retries to the client, with backoff and jitter'), 'add-retries-to-the-client-with-backoff')
  assert.equal(slugOf('x'.repeat(80)), 'x'.repeat(40))
  assert.equal(slugOf('日本語のみ'), '')
})

test('a branch without a slug still names the order, and a later attempt its number', () => {
  assert.equal(named('日本語', 1), 'feature/wo-0a1b2c3d')
  assert.equal(named('Fix it', 3), 'feature/wo-0a1b2c3d-fix-it-3')
})

test('whatever the title, the branch is a plain ASCII ref', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 99 }), (title, attempt) => {
      assert.match(named(title, attempt), /^feature\/wo-0a1b2c3d(-[a-z0-9]+)*$/)
      assert.ok(slugOf(title).length <= 40)
    }),
    { numRuns: 1_000 },
  )
})

test('a pattern of the project names branch, order and attempt', () => {
  assert.equal(named('Fix it', 1, 'moose/{id}/{slug}'), 'moose/0a1b2c3d/fix-it')
  assert.equal(named('日本語', 1, 'moose/{id}-{slug}.x'), 'moose/0a1b2c3d.x')
  assert.equal(named('Fix it', 3, 'moose/{id}'), 'moose/0a1b2c3d-3')
  assert.equal(named('Fix it', 3, 'moose-{attempt}/{id}'), 'moose-3/0a1b2c3d')
  const parts = { shortId: SHORT, title: 'Fix it', attempt: 3 }
  assert.deepEqual(branchNames({ ...parts, pattern: null }), [named('Fix it', 1), named('Fix it', 3)])
  assert.deepEqual(branchNames({ ...parts, pattern: 'm/{id}.{attempt}' }), ['m/0a1b2c3d.3'])
})

const REFUSED: readonly (readonly [pattern: string, reason: RegExp])[] = [
  ['moose/{slug}', /must contain \{id\}/],
  ['moose/{id}-{title}', /brace/],
  ['moose/{id', /must contain/],
  ['moose//{id}', /no git branch/],
  ['-{id}', /no git branch/],
  ['moose/{id} {slug}', /no git branch/],
  ['moose/{id}..{slug}', /no git branch/],
  ['moose/{id}.lock', /no git branch/],
  ['/{id}', /no git branch/],
  ['moose/{id}~1', /no git branch/],
]
for (const [pattern, reason] of REFUSED) {
  test(`${pattern} is no pattern of branches`, () => assert.match(String(whyNoBranchPattern(pattern)), reason))
}

test('a pattern that always gives a branch git can have is taken', () => {
  for (const pattern of [
    'feature/wo-{id}-{slug}',
    'moose/{id}',
    'u/{id}/{slug}',
    '{slug}/{id}',
    '{slug}.{id}/{attempt}',
  ])
    assert.equal(whyNoBranchPattern(pattern), null)
})

test('life D5: nothing of a title acts on GitHub in a pull request or a commit', () => {
  const title = pullRequestTitle('12345678', 'Fixes #12: ask @octocat, resolves acme/shop#3 [skip ci]')
  assert.doesNotMatch(title, /#\d|@\w|\[skip ci\]|\b(?:fixes|resolves) \S*#/i)
  assert.match(title.replaceAll('\u200b', ''), /Fixes #12: ask @octocat, resolves acme\/shop#3 \[skip ci\]/)
})

test('a title that grows by what makes it harmless is as long as GitHub takes', () => {
  const title = pullRequestTitle('1a2b3c4d', '@a'.repeat(100))
  assert.equal(title.length, 256)
  assert.match(title, /^WO-1a2b3c4d: @\u200ba.*…$/)
})

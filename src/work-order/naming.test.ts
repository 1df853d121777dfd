import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { branchName, slugOf } from './naming.ts'

test('a slug is cut at a word and keeps letters under their accents', () => {
  assert.equal(slugOf('Füge Übersetzungen für Straßennamen hinzu'), 'fuge-ubersetzungen-fur-stra-ennamen')
  assert.equal(slugOf('Add retries to the client, with backoff and jitter'), 'add-retries-to-the-client-with-backoff')
  assert.equal(slugOf('x'.repeat(80)), 'x'.repeat(40))
  assert.equal(slugOf('日本語のみ'), '')
})

test('a branch without a slug still names the order, and a later attempt its number', () => {
  assert.equal(branchName('0a1b2c3d', '日本語', 1), 'feature/wo-0a1b2c3d')
  assert.equal(branchName('0a1b2c3d', 'Fix it', 3), 'feature/wo-0a1b2c3d-fix-it-3')
})

test('whatever the title, the branch is a plain ASCII ref', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 99 }), (title, attempt) => {
      assert.match(branchName('0a1b2c3d', title, attempt), /^feature\/wo-0a1b2c3d(-[a-z0-9]+)*$/)
      assert.ok(slugOf(title).length <= 40)
    }),
    { numRuns: 1_000 },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { protectionNotes, verificationNotes } from './verification-notes.ts'

const ORDER = {
  id: '1a2b3c4d-0000-4000-8000-000000000000',
  files_in_scope: ['.github/workflows/main.yml'],
  protected_scope: [{ path: '.github/workflows/main.yml', why: 'what runs in CI', allowed: false }],
}

test('what a check proves beside the criteria is told of an order that has some', () => {
  const unmatched = [{ check: 'polite', proves: 'It is polite' }]
  const of = (criteria: string[]) =>
    verificationNotes({
      project: null,
      acceptance_criteria: criteria,
      verification: { checks: 1, names: ['unit'], proved_by: [], unproved: [], unmatched },
    })
  assert.deepEqual(of([]), [])
  assert.match(
    String(of(['It is fast'])),
    /^moose\.yaml has a check prove what the order does not ask for: polite: It is polite\.$/,
  )
})

test('what is protected is told with the command that allows it, and not once that is what is done', () => {
  assert.match(
    String(protectionNotes(ORDER)),
    /^It can only change what is protected.* moose approve 1a2b3c4d --allow \.github\/workflows\/main\.yml$/,
  )
  const named = (...allow: string[]) => protectionNotes(ORDER, { allow, allow_all_protected: false })
  assert.deepEqual(named('.github/workflows/main.yml'), [])
  assert.deepEqual(named('.github/'), [])
  assert.equal(named('.github/workflows').length, 1)
  assert.deepEqual(protectionNotes(ORDER, { allow: [], allow_all_protected: true }), [])
})

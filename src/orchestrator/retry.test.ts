import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notRetried, whatRetryDoes } from './retry.ts'

const ID = '1a2b3c4d-0000-4000-8000-000000000000'
const pending = { id: ID, status: 'pending', phase: null } as const

test('a retry of a pending order says what it waits for, and keeps how it was asked for', () => {
  const unapproved = notRetried({ ...pending, approved: false }, 'fresh').message
  assert.match(unapproved, /is pending and cannot be retried\. It waits for approval: moose approve 1a2b3c4d$/)
  const waiting = notRetried({ ...pending, approved: true }, 'fresh').message
  assert.match(waiting, /moose cancel 1a2b3c4d {3}then: moose retry 1a2b3c4d --fresh$/)
  assert.match(notRetried({ ...pending, approved: true }, 'again').message, /then: moose retry 1a2b3c4d$/)
  const done = { id: ID, status: 'completed', phase: null, approved: true } as const
  const left = { id: ID, status: 'in_progress', phase: 'in_review', approved: true } as const
  assert.match(
    notRetried(left, 'again', true).message,
    /is in_progress\/in_review and cannot be retried\. Decide about it with: moose decide 1a2b3c4d$/,
  )
  assert.match(notRetried(done, 'again').message, /is completed and cannot be retried\. See it with: moose show/)
})

test('a retry of what is not approved says that nothing begins before it is', () => {
  const first = { mode: 'again', last: null, toldOf: null } as const
  assert.equal(whatRetryDoes({ ...first, approved: true }), 'Its first attempt begins.')
  assert.equal(whatRetryDoes({ ...first, approved: false }), 'Once it is approved: its first attempt begins.')
})

test('answers that were not to blame are taken again; where workers have died with the attempt, they may be', () => {
  const last = { checkFailed: null, goesOn: false, isOfOther: false, answers: 1, isReplayed: false }
  const said = (code: string) => whatRetryDoes({ mode: 'again', last: { ...last, code }, toldOf: null, approved: true })
  for (const code of ['revision_stuck', 'attempt_cancelled'])
    assert.match(said(code), /^A new attempt begins and takes the answers that are there again, unpaid/, code)
  assert.match(said('attempt_unstable'), /^The model is asked again/)
})

test('of an order that asks for something else by now no attempt goes on, and no earlier answer is taken', () => {
  const last = {
    code: 'budget_exceeded',
    checkFailed: null,
    goesOn: false,
    isOfOther: true,
    answers: 0,
    isReplayed: false,
  }
  const retried = (answers: number) =>
    whatRetryDoes({ mode: 'again', last: { ...last, answers }, toldOf: null, approved: true })
  assert.match(retried(0), /^A new attempt begins: no model had answered/)
  assert.match(retried(2), /^The model is asked again; it is not told of the last failure \(budget_exceeded\)\.$/)
})

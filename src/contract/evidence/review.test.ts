import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextInReview, type PullInReview, reviewOf } from './review.ts'

const PULL: PullInReview = {
  number: 7,
  base: 'main',
  branch: 'feature/a',
  head_sha: 'a',
  seen_head_sha: 'a',
  checks: 'SUCCESS',
  review: null,
}

test('a pull request that is left behind can be merged as it stands, or verified; what speaks against it otherwise comes first', () => {
  const why = 'main has moved on; 10 merges of it passed the checks, and no more are made for one order'
  const behind = { state: 'left_behind', why, code: null, at: '2026-01-31T12:00:00.000Z' }
  const review = reviewOf({ ...PULL, follow_up: behind })
  const advice = 'Merge it as it stands, or have it verified with main merged in.'
  assert.deepEqual(review, { needs: 'weigh', because: why, advice, code: null, isLeftBehind: true })
  const commands = ['moose show 1a2b --diff', 'moose merge 1a2b', 'moose verify 1a2b', 'moose close 1a2b']
  assert.deepEqual(nextInReview('1a2b', review), commands)
  const red = reviewOf({ ...PULL, checks: 'FAILURE', follow_up: behind })
  assert.deepEqual([red.needs, red.because.includes(why), red.isLeftBehind], ['human', false, false])
})

test('an approved pull request whose base has moved is ready to be merged by a person, who may have it verified first', () => {
  const why = 'it is approved; main has moved, and a merge of it could dismiss the approval'
  const behind = { state: 'approved_behind', why, code: null, at: '2026-01-31T12:00:00.000Z' }
  const review = reviewOf({ ...PULL, review: 'APPROVED', follow_up: behind })
  assert.deepEqual([review.needs, review.isLeftBehind], ['merge', true])
  const commands = ['moose show 1a2b --diff', 'moose merge 1a2b', 'moose verify 1a2b', 'moose close 1a2b']
  assert.deepEqual(nextInReview('1a2b', review), commands)
  const threads = reviewOf({ ...PULL, review: 'APPROVED', follow_up: behind, seen_open_threads: 1 })
  assert.deepEqual([threads.needs, nextInReview('1a2b', threads)], ['weigh', commands])
})

test('a red check that is not required, and of which nothing can be read, is weighed by a person', () => {
  const why =
    'failed on the forge: opt; GitHub has neither a log nor a summary of it, and the forge does not require it'
  const optional = { state: 'red_optional', why, code: null, at: '2026-01-31T12:00:00.000Z' }
  const review = reviewOf({ ...PULL, checks: 'FAILURE', follow_up: optional })
  assert.deepEqual([review.needs, review.because], ['weigh', `its checks on GitHub say FAILURE: ${why}`])
  assert.match(String(review.advice), /mend it on feature\/a, or merge as it stands\.$/)
  assert.deepEqual(nextInReview('1a2b', review), ['moose show 1a2b --diff', 'moose merge 1a2b', 'moose close 1a2b'])
})

test('one that is lost or has ended on its forge is not ready to be merged, whatever else is known of it', () => {
  const at = '2026-01-31T12:00:00.000Z'
  const why = 'GitHub says that it was merged into release'
  const failed = { attempt: 2, head_sha: 'a', base_sha: 'b', code: 'check_failed', check: 'unit', said: null }
  const lost = { state: 'unproven', why, code: 'pull_request_lost', at }
  for (const more of [{}, { failed_verification: failed }, { seen_head_sha: 'x' }, { review: 'CHANGES_REQUESTED' }]) {
    const review = reviewOf({ ...PULL, ...more, follow_up: lost })
    assert.deepEqual([review.needs, review.because, review.code], ['lost', why, 'pull_request_lost'])
    assert.deepEqual(nextInReview('1a2b', review), ['moose decide 1a2b', 'moose cancel 1a2b'])
  }
  for (const state of ['unproven', 'gone', 'ended']) {
    const review = reviewOf({ ...PULL, follow_up: { state, why, code: null, at } })
    assert.deepEqual([review.needs, review.because], ['checks', why], 'the next look says more')
  }
})

test('a review that asks for changes is said to be answered once it is; a conflict that no attempt has met is one', () => {
  const quiet = { state: 'quiet', why: 'there is nothing to do', code: null, at: '2026-01-31T12:00:00.000Z' }
  const asks = (answered: { answered_with?: string }) =>
    reviewOf({ ...PULL, review: 'CHANGES_REQUESTED', follow_up: { ...quiet, ...answered } }).because
  assert.equal(asks({}), 'a review asks for changes')
  assert.equal(
    asks({ answered_with: 'df688622c0de'.padEnd(40, '0') }),
    'a review asks for changes; df688622c0de answers it, and the reviewer has to look again',
  )
  const why = 'feature/a conflicts with main in a.ts'
  const conflict = reviewOf({ ...PULL, follow_up: { ...quiet, state: 'conflict', why } })
  assert.deepEqual([conflict.needs, conflict.because], ['resolve', why])
})

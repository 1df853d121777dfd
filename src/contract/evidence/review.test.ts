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

test('one whose project has another base now is not ready to be merged, and says how it is verified with that', () => {
  const { needs, because, advice } = reviewOf({ ...PULL, seen_base: 'main', project_base: 'develop' })
  assert.equal(needs, 'human')
  assert.equal(because, 'its base is main, and that of its project is develop now; it was not verified with that yet')
  assert.match(String(advice), /change its base there to develop; then moose verify takes that over/)
  assert.equal(reviewOf({ ...PULL, seen_base: 'main', project_base: 'main' }).needs, 'merge')
  assert.equal(reviewOf({ ...PULL, seen_base: 'develop', project_base: 'develop' }).needs, 'verify')
})

test('what a person asked for outside of a thread and has not approved since is weighed', () => {
  const quiet = { state: 'quiet', why: 'there is nothing to do', code: null, at: '2026-01-31T12:00:00.000Z' }
  const { needs, because } = reviewOf({ ...PULL, follow_up: { ...quiet, unapproved: ['ada'] } })
  assert.equal(needs, 'weigh')
  assert.match(because, /^a commit was made for .* has not approved it: ada; that person approves it, or /)
})

test('that it was given up is said once, whatever else is against it', () => {
  const why = 'a person has given it up in Moose'
  const followUp = { state: 'given_up', why, code: 'hands_off', at: '2026-01-31T12:00:00.000Z' }
  for (const more of [{}, { seen_open_threads: 1 }, { checks: 'FAILURE' }])
    assert.equal(reviewOf({ ...PULL, ...more, follow_up: followUp }).because.split(why).length, 2)
})

test('of an approval of an earlier commit nothing is said that is for a merge by rule alone', () => {
  const seen_approval = { by: 'ada', approved_sha: 'b', head_sha: 'a', holds: false }
  assert.equal(reviewOf({ ...PULL, review: 'APPROVED', seen_approval }).because, 'ada approved b, and a was made since')
})

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
  const why = 'main has moved on; it was merged in 10 times, which all passed, and is not merged in by itself again'
  const behind = { state: 'left_behind', why, code: null, at: '2026-01-31T12:00:00.000Z' }
  const review = reviewOf({ ...PULL, follow_up: behind })
  const advice = 'Merge it as it stands, or have it verified with main merged in.'
  assert.deepEqual(review, { needs: 'weigh', because: why, advice, code: null, isLeftBehind: true })
  const commands = ['moose show 1a2b --diff', 'moose merge 1a2b', 'moose verify 1a2b', 'moose close 1a2b']
  assert.deepEqual(nextInReview('1a2b', review), commands)
  const red = reviewOf({ ...PULL, checks: 'FAILURE', follow_up: behind })
  assert.deepEqual([red.needs, red.because.includes(why), red.isLeftBehind], ['human', false, false])
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

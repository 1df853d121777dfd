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

test('a red check that is not required, and of which nothing can be read, is weighed by a person', () => {
  const why =
    'failed on the forge: opt; GitHub has neither a log nor a summary of it, and the forge does not require it'
  const optional = { state: 'red_optional', why, code: null, at: '2026-01-31T12:00:00.000Z' }
  const review = reviewOf({ ...PULL, checks: 'FAILURE', follow_up: optional })
  assert.deepEqual([review.needs, review.because], ['weigh', `its checks on GitHub say FAILURE: ${why}`])
  assert.match(String(review.advice), /mend it on feature\/a, or merge as it stands\.$/)
  assert.deepEqual(nextInReview('1a2b', review), ['moose show 1a2b --diff', 'moose merge 1a2b', 'moose close 1a2b'])
})

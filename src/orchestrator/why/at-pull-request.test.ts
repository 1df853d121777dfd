import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ATTEMPT, BEFORE, ID, INTAKE, NOW, order, PULL } from '../../../test/support/whereabouts.ts'
import type { PullRequestSeen, Whereabouts } from '../../db/work-orders/order-whereabouts.ts'
import { whyOf } from './why.ts'

function why(given: { order: Partial<Whereabouts>; byRule?: string | null }) {
  const { byRule = null } = given
  const own = { verdict: { id: ID, waitsFor: null }, resting: null, idle: null, byRule, now: NOW }
  return whyOf({ order: order(given.order), intake: INTAKE, ...own })
}

test('waits or runs for its open pull request: which one, and what is done about it', () => {
  const reactions = [{ kind: 'base' as const, outcome: null, isAllowed: false }]
  const attempt = { ...ATTEMPT, number: 2, status: 'succeeded' } as const
  const waits = (more: Partial<Whereabouts>) => why({ order: { attempt, reactions, pull: PULL, ...more } }).short
  assert.match(waits({}), /^pull request #7: the base is being merged in; is taken on next$/)
  assert.match(waits({ reactions: [] }), /^pull request #7: what its branch holds is being verified; /)
  assert.doesNotMatch(waits({ pull: { ...PULL, state: 'closed' } }), /pull request/)
})

test('is in review, and somebody has just asked for something, or it is merged by rule: that comes first', () => {
  const at = BEFORE.toISOString()
  const inReview = (more: Partial<PullRequestSeen>, byRule: string | null = null) =>
    why({ order: { status: 'in_progress', phase: 'in_review', pull: { ...PULL, ...more } }, byRule })
  const said = 'a comment of a review by ada may be continued: it is less than 2 minutes old'
  for (const state of ['settling', 'reviewed']) {
    const asked = inReview({ follow_up: { state, why: said, code: null, at }, review: 'CHANGES_REQUESTED' })
    assert.equal(asked.short, `pull request #7: ${said}; the model is to do that`)
    assert.match(
      asked.sentence,
      /minutes old\. Moose has the model that made the change do that, once nothing was added/,
    )
    assert.deepEqual(asked.next, ['moose show 1a2b3c4d --diff', 'moose close 1a2b3c4d'])
  }
  const rule = 'it is to be merged by rule, and waits: checks may still begin'
  assert.equal(inReview({}, rule).short, `pull request #7: ${rule}`)
  assert.match(inReview({ review: 'REVIEW_REQUIRED' }, rule).short, /it has to be reviewed first$/)
})

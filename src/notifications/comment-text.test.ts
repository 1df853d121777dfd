import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CommentFacts, commentText } from './comment-text.ts'

const FACTS: CommentFacts = {
  status: 'in_progress',
  phase: 'in_review',
  state: 'open',
  attempts: 1,
  budget_usd: '5',
  code: null,
  escalation: null,
  reacting: null,
  repairs: 0,
  review_rounds: 0,
  spent: '0.42',
  reverted: false,
}
const OF = { shortId: '1a2b3c4d', address: 'https://moose.example/orders/1a2b3c4d' }
const phaseOf = (facts: Partial<CommentFacts>) =>
  /^\| Phase \| (.*) \|$/m.exec(commentText({ ...FACTS, ...facts }, OF))?.[1]

test('a comment says phase, cost and link', () => {
  assert.equal(
    commentText(FACTS, OF),
    [
      '| Moose | |',
      '|---|---|',
      '| Phase | in review |',
      '| Cost | $0.42 of at most $5.00 |',
      '| Attempts | 1 |',
      '| Work order | [`1a2b3c4d`](https://moose.example/orders/1a2b3c4d) |',
    ].join('\n'),
  )
  const other = commentText(
    { ...FACTS, attempts: 4, repairs: 2, review_rounds: 1, budget_usd: null },
    { ...OF, address: null },
  )
  assert.match(other, /\| Attempts \| 4, of them 2 repairs and 1 review round \|\n\| Work order \| `1a2b3c4d` \|$/)
  assert.match(other, /\| Cost \| \$0\.42 \|/)
})

test('the phase is that of the pull request, and what Moose does about it', () => {
  assert.equal(phaseOf({ state: 'merged', status: 'completed', phase: null }), 'merged')
  assert.equal(phaseOf({ state: 'merged', reverted: true }), 'merged, and reverted since')
  assert.equal(phaseOf({ reacting: 'checks', status: 'pending' }), 'in review: failed checks are being repaired')
  assert.equal(phaseOf({ status: 'failed', reacting: 'checks', code: 'check_failed' }), 'failed (`check_failed`)')
  assert.equal(phaseOf({ status: 'cancelled', phase: null, code: '| x [y](z)' }), 'cancelled')
  for (const status of ['cancelled', 'pending'] as const)
    assert.equal(phaseOf({ state: 'closed', status, phase: null, code: 'pull_request_closed' }), 'closed unmerged')
  assert.equal(phaseOf({ phase: 'verifying' }), 'at work: verifying')
})

test('what has to be decided stands there with its command', () => {
  const left = commentText({ ...FACTS, escalation: 'follow_up_exhausted' }, OF)
  assert.match(left, /\| Phase \| in review \|\n\| To decide \| `follow_up_exhausted`: `moose decide 1a2b3c4d` \|\n/)
  assert.match(commentText({ ...FACTS, escalation: 'hands_off' }, OF), /\| `hands_off`: `moose adopt 1a2b3c4d` \|\n/)
  assert.match(commentText({ ...FACTS, escalation: '| x' }, OF), /\| To decide \| `moose decide 1a2b3c4d` \|\n/)
})

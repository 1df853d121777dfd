import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Usd } from '../money.ts'
import { storyOf } from './story.ts'

const ORDER = {
  title: 'Greet',
  project: 'hello',
  files_in_scope: ['a.ts', 'b.ts'],
  risk_level: 'low' as const,
  attempts: 2,
  proposer: 'small',
  status: 'failed' as const,
  phase: null,
  status_reason: { code: 'check_failed', message: 'x' },
  github_pr_url: null,
  github_pr_number: null,
}
const KNOWN = {
  cause: 'check_failed',
  spent: new Usd('1.5'),
  cap: new Usd(5),
  hasCommit: true,
  sentence: 'The check failed.',
  reactions: [],
  last: null,
  failing: [],
  wanted: null,
  pull: null,
}

test('the story is five lines: asked, tried, stopped, cost, there', () => {
  assert.deepEqual(storyOf(ORDER, KNOWN), [
    'Asked: hello: Greet (2 files, filed as low risk)',
    'Tried: 2 attempts, the last by small',
    'Stopped: failed, check_failed: The check failed.',
    'Cost: $1.50 of $5.00',
    'There: its last attempt left a commit; no pull request',
  ])
})

test('where a human has wanted another proposer since, that is said', () => {
  assert.match(
    String(storyOf(ORDER, { ...KNOWN, wanted: 'large' })[1]),
    / 2 attempts, by small; large was wanted since$/,
  )
})

test('what others have written stays in its line and is bounded', () => {
  const story = storyOf({ ...ORDER, title: `a\nb${'c'.repeat(10_000)}` }, { ...KNOWN, sentence: 'one\n\ntwo' })
  assert.equal(story.length, 5)
  assert.ok(story.every((line) => !line.includes('\n') && line.length <= 601))
})

test('a line that is too long ends with a whole word', () => {
  const sentence = `${'word '.repeat(500)}end`
  const line = storyOf(ORDER, { ...KNOWN, sentence })[2]
  assert.match(String(line), / word …$/)
})

test('the ways out below a message stay apart', () => {
  const sentence =
    'It is blocked: it conflicts.\nMerge it by hand: moose verify 1a2b3c4d\nOr make it anew: moose close 1a2b3c4d'
  assert.equal(
    storyOf(ORDER, { ...KNOWN, sentence })[2],
    'Stopped: failed, check_failed: It is blocked: it conflicts. Merge it by hand: moose verify 1a2b3c4d; Or make it anew: moose close 1a2b3c4d',
  )
})

test('what stopped it is not cut before the advice at its end', () => {
  const sentence = `${'word '.repeat(200)}Merge main by hand.`
  assert.match(String(storyOf(ORDER, { ...KNOWN, sentence })[2]), /Merge main by hand\.$/)
})

test('of an order that was never begun nothing is there', () => {
  const order = {
    ...ORDER,
    attempts: 0,
    proposer: null,
    status_reason: null,
    status: 'blocked' as const,
    project: null,
  }
  assert.deepEqual(storyOf(order, { ...KNOWN, spent: new Usd(0), cap: null }), [
    'Asked: Greet (2 files, filed as low risk)',
    'Tried: No attempt was begun',
    'Stopped: blocked: The check failed.',
    'Cost: $0.00',
    'There: nothing',
  ])
})

test('of a pull request that Moose does no more about, the cause and where it is', () => {
  const url = 'https://github.com/acme/shop/pull/7'
  const order = {
    ...ORDER,
    status: 'in_progress' as const,
    phase: 'in_review' as const,
    status_reason: null,
    github_pr_url: url,
  }
  const reactions = [
    { kind: 'checks' as const, done: 2, most: 2 },
    { kind: 'review' as const, done: 1, most: 3 },
  ]
  const story = storyOf(order, { ...KNOWN, cause: 'follow_up_exhausted', sentence: 'It is red.', reactions })
  assert.equal(story[1], 'Tried: 2 attempts, the last by small; repairs 2 of 2, review rounds 1 of 3')
  assert.equal(story[2], 'Stopped: in review, follow_up_exhausted: It is red.')
  assert.equal(story[4], `There: pull request ${url}`)
})

const REVIEW = {
  kind: 'review' as const,
  attempt: 4,
  because: 'a comment of a review by ada',
  outcome: 'proposal_rejected',
  said: 'The answer of small was rejected.',
  cost_usd: 0.021,
  not_done: [{ comment: 2, path: 'a.ts', reason: 'a limerick would not fit one line' }],
}

test('how the last reaction ended and what it cost is told, and why the model did not do what was asked for', () => {
  const order = { ...ORDER, status: 'in_progress' as const, phase: 'in_review' as const, status_reason: null }
  const story = storyOf(order, { ...KNOWN, cause: 'follow_up_exhausted', sentence: 'It is left.', last: REVIEW })
  assert.equal(story.length, 5)
  assert.match(
    String(story[1]),
    /; the last review round, attempt 4, ended with proposal_rejected and cost \$0\.0210: The answer of small was rejected\.$/,
  )
  assert.match(
    String(story[2]),
    / It is left\. Not done, as the model says: comment 2 \(a\.ts\): "a limerick would not fit one line"\.$/,
  )
})

test('of a red check a line of what failed and where it ran, and of processes that died that the change is not to blame', () => {
  const order = { ...ORDER, status: 'in_progress' as const, phase: 'in_review' as const, status_reason: null }
  const url = 'https://github.com/acme/shop/actions/runs/6/job/1106'
  const failing = [{ check: 'unit', said: 'Error: expected third to be nice', url }]
  const last = { ...REVIEW, kind: 'checks' as const, outcome: 'attempt_unstable', said: null, not_done: [] }
  const story = storyOf(order, { ...KNOWN, cause: 'follow_up_exhausted', sentence: 'It is red.', last, failing })
  assert.ok(story[2]?.endsWith(`It is red. Failed check: unit: "Error: expected third to be nice", ${url}`), story[2])
  assert.match(
    String(story[1]),
    /attempt_unstable and cost \$0\.0210: its processes ended .* nothing against the change$/,
  )
})

test('a pull request of an order that is not in review is told as open or not, and one without an address by its number', () => {
  const stopped = { ...ORDER, github_pr_url: 'https://example.com/pull/4', github_pr_number: 4 }
  const open = storyOf(stopped, { ...KNOWN, pull: { state: 'open' } })
  assert.match(String(open[4]), /; pull request https:\/\/example\.com\/pull\/4, which is open$/)
  const closed = storyOf(stopped, { ...KNOWN, pull: { state: 'closed' } })
  assert.match(String(closed[4]), /; pull request https:\/\/example\.com\/pull\/4, not open any more$/)
  const local = { ...ORDER, phase: 'in_review' as const, github_pr_url: 'local://one/pull/4', github_pr_number: 4 }
  assert.equal(storyOf(local, KNOWN)[4], 'There: pull request #4')
})

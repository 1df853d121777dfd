import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PullRequestFacts, standing, standsOn } from './standing.ts'
import { PHASES, STATUSES, type Status } from './status.ts'

const STATES = ['open', 'merged', 'closed'] as const
type State = (typeof STATES)[number]

/** One pull request per attempt: of the first, the second, … */
function pulls(...states: readonly State[]): PullRequestFacts[] {
  return states.map((state, index) => ({
    attempt: index + 1,
    number: index + 11,
    url: `https://github.com/acme/shop/pull/${index + 11}`,
    state,
    ended_at: state === 'open' ? null : new Date(1_000 - index),
  }))
}

/** `on`: whose pull request it was last in review with. */
function order(status: Status, on: number | null, { isUnderWay = false, phase = 'in_review' } = {}) {
  const where = status === 'in_progress' ? PHASES.find((one) => one === phase) : undefined
  return {
    status,
    phase: where === undefined ? null : where,
    github_pr_number: on === null ? null : on + 10,
    github_pr_url: on === null ? null : `https://github.com/acme/shop/pull/${on + 10}`,
    isUnderWay,
  }
}

/** `completed 1`: by the pull request of attempt 1. */
function told(of: Parameters<typeof standing>[0], states: readonly State[]): string {
  const next = standing(of, pulls(...states))
  if (next === null) return 'stays'
  return next.to === 'cancelled' ? next.to : `${next.to} ${next.on.attempt}`
}

test('a merge completes an order, wherever it stands and whatever else is open or under way', () => {
  for (const status of STATUSES.filter((one) => one !== 'completed')) {
    for (const isUnderWay of [false, true]) {
      const of = order(status, 2, { isUnderWay, phase: isUnderWay ? 'proposing' : 'in_review' })
      assert.equal(told(of, ['merged', 'open']), 'completed 1', status)
      assert.equal(told(of, ['closed', 'merged']), 'completed 2', status)
    }
  }
})

test('of two merged ones the first to be merged counts', () => {
  assert.equal(told(order('cancelled', 1), ['merged', 'merged']), 'completed 2')
})

test('nothing moves a completed order', () => {
  for (const first of STATES)
    for (const second of STATES) assert.equal(told(order('completed', 1), [first, second]), 'stays')
})

test('an open one has an order in review that is not under way', () => {
  for (const status of ['pending', 'blocked', 'failed', 'cancelled'] as const) {
    assert.equal(told(order(status, 1), ['open']), 'in_progress 1')
    assert.equal(told(order(status, 2), ['open', 'closed']), 'in_progress 1')
    assert.equal(told(order(status, null), ['open']), 'in_progress 1')
    assert.equal(told(order(status, 1, { isUnderWay: true }), ['open']), 'stays')
  }
})

test('of several open ones it is in review with that of the latest attempt', () => {
  for (const on of [1, 2, 3]) {
    const expected = on === 2 ? 'stays' : 'in_progress 2'
    assert.equal(told(order('in_progress', on), ['open', 'open', 'closed']), expected)
  }
})

test('what is in review and has no open one any more is cancelled; whatever else stays', () => {
  assert.equal(told(order('in_progress', 1), ['closed']), 'cancelled')
  assert.equal(told(order('in_progress', 2), ['closed', 'closed']), 'cancelled')
  assert.equal(told(order('in_progress', 2), ['open', 'closed']), 'in_progress 1')
  assert.equal(told(order('in_progress', 1, { isUnderWay: true, phase: 'publishing' }), ['closed']), 'stays')
  for (const status of ['pending', 'blocked', 'failed', 'cancelled'] as const) {
    assert.equal(told(order(status, 1), ['closed']), 'stays')
  }
})

test('the pull request of an order is known by number and address; the forge local has no addresses', () => {
  const elsewhere = pulls('closed', 'open').map((pull) => ({ ...pull, number: 11 }))
  assert.equal(standsOn(order('cancelled', 1), elsewhere)?.attempt, 1)
  const local = elsewhere.map((pull) => ({ ...pull, url: null }))
  assert.equal(standsOn(order('cancelled', 1), local)?.attempt, 2)
  assert.equal(standsOn(order('cancelled', null), local), null)
})

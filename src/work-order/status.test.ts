import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BY_PULL_REQUEST, canMove, isEnded, STATUSES, TRANSITIONS } from './status.ts'

test('nothing leaves completed, and without a pull request an ended order lives again only as pending', () => {
  assert.deepEqual(TRANSITIONS.completed, [])
  for (const from of STATUSES.filter(isEnded))
    for (const to of STATUSES)
      if (canMove(from, to, false)) assert.ok(to === 'pending' || to === 'cancelled', `${from} → ${to}`)
})

test('an order is carried out only from pending', () => {
  assert.deepEqual(
    STATUSES.filter((from) => canMove(from, 'in_progress', false)),
    ['pending'],
  )
})

test('a pull request puts an order in review and completes it, whatever it was before', () => {
  for (const from of STATUSES.filter((status) => status !== 'completed')) {
    assert.ok(from === 'in_progress' || canMove(from, 'in_progress', true), from)
    assert.ok(canMove(from, 'completed', true), from)
  }
  for (const from of STATUSES) {
    for (const to of BY_PULL_REQUEST[from]) assert.ok(TRANSITIONS[from].includes(to), `${from} → ${to}`)
  }
})

test('no status moves to itself', () => {
  for (const status of STATUSES) assert.ok(!canMove(status, status, true))
})

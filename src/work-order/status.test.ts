import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canMove, isEnded, STATUSES, TRANSITIONS } from './status.ts'

test('nothing leaves completed, and an ended order lives again only as pending', () => {
  assert.deepEqual(TRANSITIONS.completed, [])
  for (const from of STATUSES.filter(isEnded))
    for (const to of STATUSES)
      if (canMove(from, to)) assert.ok(to === 'pending' || to === 'cancelled', `${from} → ${to}`)
})

test('an order is carried out only from pending', () => {
  assert.deepEqual(
    STATUSES.filter((from) => canMove(from, 'in_progress')),
    ['pending'],
  )
})

test('no status moves to itself', () => {
  for (const status of STATUSES) assert.ok(!canMove(status, status))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ORDER_STATE_RULES, ORDER_STATES, type OrderState, orderState } from './order-state.ts'
import { PHASES, STATUSES } from './status.ts'

test('an order is in exactly one state, by its status, its phase and its approval', () => {
  const states: [Parameters<typeof orderState>[0], OrderState][] = [
    [{ status: 'pending', phase: null, approved: false }, 'unapproved'],
    [{ status: 'pending', phase: null, approved: true }, 'waiting'],
    [{ status: 'in_progress', phase: 'verifying', approved: true }, 'running'],
    [{ status: 'in_progress', phase: 'of a newer version', approved: true }, 'running'],
    [{ status: 'in_progress', phase: null, approved: false }, 'running'],
    [{ status: 'in_progress', phase: 'in_review', approved: false }, 'review'],
    [{ status: 'blocked', phase: null, approved: true }, 'blocked'],
    [{ status: 'failed', phase: null, approved: true }, 'failed'],
    [{ status: 'completed', phase: null, approved: true }, 'completed'],
    [{ status: 'cancelled', phase: null, approved: false }, 'cancelled'],
  ]
  for (const [order, state] of states) assert.equal(orderState(order), state, JSON.stringify(order))
})

test('every order has a state, and the list of states is that of the rules', () => {
  for (const status of STATUSES) {
    for (const phase of [null, ...PHASES]) {
      for (const approved of [true, false]) assert.ok(ORDER_STATES.includes(orderState({ status, phase, approved })))
    }
  }
  assert.deepEqual([...ORDER_STATES], Object.keys(ORDER_STATE_RULES))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dependency } from '../../db/work-orders/dependencies.ts'
import { behindDependencies, unmetOf } from './dependencies.ts'

const other = { id: '5e6f7a8b', title: 'Plan', status: 'pending', code: null, isEscalated: false } as const

test('an order that waits leads to a decision about the other only where one has to be made', () => {
  const nextOf = (one: Partial<Dependency>) =>
    behindDependencies({ id: '1a2b3c4d', attempt: null, waitsFor: [{ ...other, ...one }] }).next[0]
  const blocked = { status: 'blocked', code: 'dependency_unmet' } as const
  assert.equal(nextOf(blocked), 'moose why 5e6f7a8b')
  assert.equal(nextOf({ ...blocked, code: 'budget_exceeded', isEscalated: true }), 'moose decide 5e6f7a8b')
})

test('an order that is not approved leads to the same for one that has ended, and to nothing for one that is gone', () => {
  const nextOf = (one: Partial<Dependency>) => unmetOf({ waitsFor: [{ ...other, ...one }] }).ended?.next
  assert.deepEqual(nextOf({ status: null, title: null }), [])
  assert.deepEqual(nextOf({ status: 'failed', isEscalated: true }), ['moose decide 5e6f7a8b', 'moose show 5e6f7a8b'])
  assert.deepEqual(nextOf({ status: 'cancelled' }), ['moose retry 5e6f7a8b', 'moose show 5e6f7a8b'])
})

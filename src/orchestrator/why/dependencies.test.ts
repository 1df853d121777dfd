import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dependency } from '../../db/work-orders/dependencies.ts'
import { behindDependencies, unmetOf } from './dependencies.ts'

const ID = '1a2b3c4d-0000-4000-8000-000000000000'
const OTHER: Dependency = {
  id: '5e6f7a8b-0000-4000-8000-000000000000',
  title: 'Plan',
  status: 'pending',
  code: null,
  isEscalated: false,
  isApproved: true,
  revert: null,
}
const behind = (...waitsFor: Dependency[]) => behindDependencies({ id: ID, waitsFor, attempt: null })

test('an order is blocked by one that ended without a merge, which is named before the others', () => {
  const failed = {
    ...OTHER,
    id: ID,
    title: 'Build',
    status: 'failed',
    code: 'check_failed',
    isEscalated: true,
  } as const
  const { short, next } = behind(OTHER, failed)
  assert.match(
    short,
    /^is blocked by 1a2b3c4d "Build", which .* and which failed with check_failed; it waits for 1 more$/,
  )
  const cancelled = behind({ ...OTHER, status: 'cancelled' })
  assert.deepEqual([next[0], cancelled.next[0]], ['moose decide 1a2b3c4d', 'moose retry 5e6f7a8b'])
  const gone = behind({ ...OTHER, title: null, status: null })
  assert.match(gone.short, /is not there any more$/)
  assert.match(gone.sentence, / It is started when it does not depend on that any more\.$/)
})

test('an order is blocked by one that was reverted, which nothing brings back, and is released without it', () => {
  const reverted = { ...OTHER, status: 'completed', revert: { by: 'f'.repeat(40) } } as const
  const { short, sentence, code, next } = behind(OTHER, reverted)
  assert.match(
    short,
    /^is blocked by 5e6f7a8b "Plan", .* and which was reverted on its base by f{12}; it waits for 1 more$/,
  )
  assert.match(sentence, / It is started when it does not depend on that any more\.$/)
  assert.deepEqual([code, next], ['dependency_unmet', ['moose edit 1a2b3c4d --depends-on none', 'moose show 5e6f7a8b']])
  assert.match(behind({ ...reverted, revert: { by: null } }).short, /was reverted on its base$/)
})

test('one that is retried waits for its approval where it has none', () => {
  const { sentence, next } = behind({ ...OTHER, status: 'cancelled', isApproved: false })
  assert.match(sentence, / It goes on waiting once that is retried and approved\.$/)
  assert.deepEqual(next.slice(0, 2), ['moose retry 5e6f7a8b', 'moose approve 5e6f7a8b'])
})

test('an order that waits leads to a decision about the other only where one has to be made', () => {
  const blocked = { ...OTHER, status: 'blocked', code: 'dependency_unmet' } as const
  assert.equal(behind(blocked).next[0], 'moose why 5e6f7a8b')
  assert.equal(behind({ ...blocked, code: 'budget_exceeded', isEscalated: true }).next[0], 'moose decide 5e6f7a8b')
})

test('an order that is not approved leads to the same for one that has ended, and to nothing for one that is gone', () => {
  const nextOf = (one: Partial<Dependency>) => unmetOf({ waitsFor: [{ ...OTHER, ...one }] }).ended?.next
  assert.deepEqual(nextOf({ status: null, title: null }), [])
  assert.deepEqual(nextOf({ status: 'failed', isEscalated: true }), ['moose decide 5e6f7a8b', 'moose show 5e6f7a8b'])
  assert.deepEqual(nextOf({ status: 'cancelled' }), ['moose retry 5e6f7a8b', 'moose show 5e6f7a8b'])
})

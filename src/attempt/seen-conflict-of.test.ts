import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../faults/fault.ts'
import { filesAsDetails } from '../work-order/ways-out.ts'
import { movedHeadOf, seenConflictOf } from './seen-conflict-of.ts'

const commits = { base_sha: 'a'.repeat(40), head_sha: 'b'.repeat(40) }
const now = new Date('2026-01-01T00:00:00Z')
const seen = (details: Fault['details']) =>
  seenConflictOf(new Fault('merge_conflict', 'It conflicts.', details).toRecord(), now)

test('a conflict has the files its fault names, whatever their names hold', () => {
  for (const files of [['greeting.txt'], ['a, b.txt', 'c.txt'], []])
    assert.deepEqual(seen({ number: 7, ...commits, ...filesAsDetails(files) }), {
      number: 7,
      conflict: { ...commits, files, since: now.toISOString() },
    })
})

test('why no model can resolve it is kept with a conflict', () => {
  const by_hand = 'A model may change files_in_scope alone, and not a.'
  const kept = seen({ number: 7, ...commits, ...filesAsDetails(['a']), by_hand })
  assert.equal(kept?.conflict.by_hand, by_hand)
})

test('a fault that names no commits or files tells of no conflict that git has found', () => {
  assert.equal(seen({ number: 7, branch: 'moose/x' }), null)
  assert.equal(seen({ number: 7, ...commits, files_json: 'no json' }), null)
})

test('where a branch was changed after its checks, the fault of the merge says where it stands, and is no conflict', () => {
  const told = (details: Fault['details']) => new Fault('merge_conflict', 'It was changed.', details).toRecord()
  const moved = told({ number: 7, branch: 'moose/x', seen_head_sha: 'c'.repeat(40) })
  assert.deepEqual(movedHeadOf(moved), { number: 7, headSha: 'c'.repeat(40) })
  assert.equal(seenConflictOf(moved, now), null)
  assert.equal(movedHeadOf(told({ number: 7, ...commits, ...filesAsDetails(['a']) })), null)
})

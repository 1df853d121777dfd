import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryTree } from '../../test/support/memory-tree.ts'
import { Fault } from '../faults/fault.ts'
import type { RepairRequest } from '../ports/proposal.ts'
import { carriesOutNone, repairText } from './repair-message.ts'

const MISSING = new Fault('edits_missing', 'The answer has no block.')
const failed = { failure: 'Comment 1, by ada: Say dear.', diff: '+hello\n' }

test('only of a review a model is told how to say what it does not carry out', () => {
  assert.match(repairText({ ...failed, comments: 2 }), /Comment 2: not done: REASON/)
  assert.doesNotMatch(repairText(failed), /not done/)
})

test('an answer that says of each comment why it is not carried out, and has no edits, is not asked for again', () => {
  const asked = (some: Partial<RepairRequest>) => ({
    proposer: 'small',
    repair: { ...failed, comments: 2, number: 1, answered: { content: '' }, changed: memoryTree({}), ...some },
  })
  const answer = 'I leave it.\nComment 2: not done: so\nComment 1: not done: as it is\n'
  const none = carriesOutNone(answer, MISSING, asked({}))
  assert.equal(none?.code, 'change_without_effect')
  assert.equal(none.details['not_done'], 'Comment 1: not done: as it is\nComment 2: not done: so')
  assert.equal(carriesOutNone(answer, MISSING, asked({ comments: 3 })), null)
  assert.equal(carriesOutNone(answer, new Fault('edits_malformed', 'x'), asked({})), null)
  assert.equal(carriesOutNone(answer, MISSING, { proposer: 'small', repair: null }), null)
  const { comments: _, ...check } = asked({}).repair
  assert.equal(carriesOutNone(answer, MISSING, { proposer: 'small', repair: check }), null)
})

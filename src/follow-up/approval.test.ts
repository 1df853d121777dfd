import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factsWith, reviewWith, sha } from '../../test/support/pull-request-facts.ts'
import type { PullRequestFacts, ReviewFact } from '../ports/pull-request-facts.ts'
import { approvalOf } from './approval.ts'

const HEAD = sha('1')
/** As the branch stands after two merges of its base, each made by Moose. */
const MERGED = { before_base_merges: [sha('2'), sha('3')] }
const OURS = { ours: [HEAD, sha('2'), sha('3')] }
const by = (login: string, of: string | null, hour: number, more: Partial<ReviewFact> = {}) =>
  reviewWith({ login, state: 'approved', body: '', head_sha: of, at: `2026-11-01T${hour}:00:00Z`, ...more })

function holds(reviews: ReviewFact[], facts: Partial<PullRequestFacts> = MERGED, known = OURS) {
  const {
    by: login,
    approved_sha: of,
    head_sha: head,
    holds: does,
  } = approvalOf(factsWith({ ...facts, reviews }), known)
  assert.equal(head, HEAD)
  return does ? `${login} ${of}` : login
}

test('an approval of the head counts, or of a commit behind nothing but merges of the base that Moose has made', () => {
  assert.equal(holds([by('ada', HEAD, 10)], {}), `ada ${HEAD}`)
  assert.equal(holds([by('ada', sha('3'), 10)]), `ada ${sha('3')}`)
  assert.equal(holds([by('ada', sha('2'), 10), by('bob', sha('9'), 11)]), `ada ${sha('2')}`, 'any one of them')
  assert.equal(holds([by('ada', sha('3'), 10)], {}), 'ada')
  assert.equal(holds([by('ada', sha('3'), 10)], MERGED, { ours: [HEAD] }), 'ada', 'a person has made a merge between')
  assert.equal(holds([by('ada', sha('2'), 10)], MERGED, { ours: [HEAD] }), `ada ${sha('2')}`)
  assert.equal(holds([by('ada', null, 10)]), 'ada', 'its commit is gone')
})

test('only the latest opinion of a person with write access is an approval', () => {
  for (const state of ['changes_requested', 'dismissed'] as const)
    assert.equal(holds([by('ada', HEAD, 10), by('ada', HEAD, 11, { state })]), null, state)
  assert.equal(holds([by('ada', HEAD, 10), by('ada', HEAD, 11, { state: 'commented' })]), `ada ${HEAD}`)
  assert.equal(holds([by('ada', HEAD, 10, { may_write: false })]), null)
  assert.equal(holds([by('ada', sha('8'), 10), by('bob', sha('9'), 11)]), 'bob', 'the latest is told')
})

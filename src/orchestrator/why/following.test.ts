import assert from 'node:assert/strict'
import { test } from 'node:test'
import { followingOf, isRunAgain } from './following.ts'

type Given = { state: string; code?: string | null; rerun?: string | null }

function order({ state, code = null, rerun }: Given): Parameters<typeof followingOf>[0] {
  const followUp = { state, why: 'x', code, at: '2026-01-31T12:00:00.000Z' }
  return {
    isApproved: true,
    pull: { follow_up: followUp },
    reactions: rerun === undefined ? [] : [{ kind: 'rerun', outcome: rerun, isAllowed: false }],
  }
}

test('what is red, or asked for, is said to wait where nothing is reacted to, with what to type', () => {
  for (const state of ['red', 'conflict', 'settling', 'reviewed']) {
    assert.deepEqual(followingOf(order({ state }), 'polling')?.next, ['moose start'])
    assert.deepEqual(followingOf(order({ state }), 'service')?.next, ['moose up --start'])
    assert.match(String(followingOf(order({ state }), 'disabled')?.sentence), /orchestrator_enabled .* is false/)
    assert.match(String(followingOf(order({ state }), 'switched_off')?.sentence), /MOOSE_FOLLOW_UP is false/)
    const isAsked = state === 'settling' || state === 'reviewed'
    assert.equal(followingOf(order({ state }), null)?.short, isAsked ? 'the model is to do that' : undefined)
  }
  for (const state of ['quiet', 'behind', 'checking']) assert.equal(followingOf(order({ state }), 'polling'), null)
  assert.equal(followingOf(order({ state: 'red', code: 'follow_up_exhausted' }), 'polling'), null)
})

test('checks that are run again go on by themselves until they have ended, also where nothing is reacted to', () => {
  for (const rerun of ['asked', 'running']) {
    assert.ok(isRunAgain(order({ state: 'checking', rerun })))
    assert.match(String(followingOf(order({ state: 'checking', rerun }), 'polling')?.sentence), /run again/)
  }
  assert.ok(isRunAgain(order({ state: 'red', rerun: 'asked' })), 'until the next look')
  for (const rerun of ['red', 'flaky', 'refused', 'superseded'])
    assert.ok(!isRunAgain(order({ state: 'red', rerun })), rerun)
  assert.ok(!isRunAgain(order({ state: 'red', rerun: 'running', code: 'follow_up_exhausted' })))
  assert.ok(!isRunAgain(order({ state: 'checking' })))
})

test('of an order that is not approved nothing is said to be done next', () => {
  for (const state of ['red', 'conflict', 'settling', 'reviewed'])
    for (const idle of [null, 'polling'] as const) {
      const following = followingOf({ ...order({ state }), isApproved: false }, idle)
      assert.equal(following?.short, 'nothing is reacted to: the order is not approved')
    }
  assert.equal(followingOf({ ...order({ state: 'quiet' }), isApproved: false }, null), null)
})

test('a reaction that waits says what for, and what to type', () => {
  const waits = (kind: 'project' | 'proposer' | 'cap', name: string) => {
    const given = order({ state: 'reviewed' })
    const { pull } = given
    const follow_up = { ...(pull?.follow_up ?? assert.fail()), waits_for: { kind, name } }
    const following = followingOf({ ...given, pull: { follow_up } }, null)
    return [following?.short, following?.next]
  }
  assert.deepEqual(waits('project', 'shop'), [
    'its reaction waits: project shop is paused',
    ['moose project resume shop'],
  ])
  assert.deepEqual(waits('proposer', 'a b'), ['its reaction waits: a b is paused', ["moose proposer resume 'a b'"]])
  assert.deepEqual(waits('cap', 'day'), [
    'its reaction waits: the cap day has no room',
    ['moose budget', 'moose budget cap day USD'],
  ])
})

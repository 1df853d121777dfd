import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf } from './message.ts'

const ORDER = { work_order_id: '1a2b3c4d-0000-4000-8000-000000000000', title: 'Greet', code: null }

function slack(kind: string, data: Record<string, unknown>): string[] {
  const endpoint = { name: 'team', format: 'slack' as const, url: 'https://hooks.example/x', secret: null }
  const entry = { id: 'x', kind, data: { ...ORDER, ...data }, created_at: new Date(0), endpoint }
  return String(JSON.parse(messageOf(entry, { pageUrl: null, at: new Date(0) }).body).text).split('\n')
}

test('Slack is told what has to be decided about, also of a pull request in review', () => {
  assert.deepEqual(slack('escalation.opened', { code: 'check_failed', cause: 'check_failed' }), [
    'Work order 1a2b3c4d needs a decision (check_failed): Greet',
    'moose decide 1a2b3c4d',
  ])
  assert.deepEqual(
    slack('escalation.opened', { cause: 'follow_up_exhausted' })[0],
    'Work order 1a2b3c4d needs a decision (follow_up_exhausted: Moose does no more about its pull request): Greet',
  )
  assert.deepEqual(
    slack('escalation.opened', { cause: 'hands_off' })[0],
    'Work order 1a2b3c4d needs a decision (hands_off: Moose keeps its hands off its pull request): Greet',
  )
})

test('Slack is told of a decision that is over what was decided, in no words of an open one', () => {
  assert.deepEqual(
    slack('escalation.closed', { cause: 'follow_up_exhausted', option: 'adopt', closed_as: 'decided' })[0],
    'Work order 1a2b3c4d was decided about (adopt): Greet',
  )
  assert.deepEqual(slack('escalation.closed', { code: 'check_failed', cause: 'hands_off', option: null }), [
    'Work order 1a2b3c4d needs no decision any more: Greet',
  ])
})

test('Slack is told why a pull request is followed up in one bounded line', () => {
  const because = `unit\r\n*Work order 99 was approved*\u2028${'x'.repeat(500)}`
  const [, line = '', ...others] = slack('follow_up.started', { follow_up: 'checks', because })
  assert.deepEqual(others, [])
  assert.match(line, /^unit \*Work order 99 was approved\* x+…$/)
  assert.equal(line.length, 300)
})

test('Slack is told why a pull request is followed up, in words that call nobody', () => {
  assert.deepEqual(slack('follow_up.started', { follow_up: 'checks', because: 'failed on the forge: unit @all' }), [
    'Work order 1a2b3c4d is being repaired in its pull request: Greet',
    'failed on the forge: unit @\u200ball',
  ])
})

test('Slack is told what merged a change, and why it could not be repaired', () => {
  const merged = (merged_by: unknown) => slack('order.completed', { merged_by })[0]
  assert.equal(merged(null), 'Work order 1a2b3c4d was merged: Greet')
  const rule = 'Work order 1a2b3c4d was merged by a rule of the merge policy: Greet'
  assert.equal(merged({ is: 'rule', name: null }), rule)
  assert.equal(merged({ is: 'person', name: '@all' }), 'Work order 1a2b3c4d was merged by @\u200ball: Greet')
  assert.deepEqual(slack('follow_up.failed', { follow_up: 'review', reason: 'Check "unit" failed.' }), [
    'Work order 1a2b3c4d could not be repaired in its pull request: Greet',
    'Check "unit" failed.',
  ])
})

test('Slack is told of a review whether something was changed for it', () => {
  const answered = (outcome: string) => slack('follow_up.answered', { follow_up: 'review', outcome })[0]
  assert.equal(answered('succeeded'), 'Work order 1a2b3c4d has answered a review: Greet')
  assert.equal(
    answered('change_out_of_scope'),
    'Work order 1a2b3c4d has told a review why nothing was changed (change_out_of_scope): Greet',
  )
})

test('Slack is told by which commit a change was reverted', () => {
  assert.deepEqual(slack('pull_request.reverted', { reverted_by: 'a'.repeat(40) }), [
    'Work order 1a2b3c4d was reverted on its base: Greet',
    `by ${'a'.repeat(12)}`,
  ])
  assert.equal(slack('pull_request.reverted', { reverted_by: '@all\nx' })[1], 'by @\u200ball x')
})

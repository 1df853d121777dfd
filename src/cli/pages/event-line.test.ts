import assert from 'node:assert/strict'
import { test } from 'node:test'
import pc from 'picocolors'
import type { EventView } from '../../contract/events.ts'
import { eventLine, isRepetition } from './event-line.ts'

const paint = pc.createColors(false)
const event = (changes: Partial<EventView>): EventView => ({
  id: '1',
  work_order_id: '1a2b3c4d-0000-4000-8000-000000000000',
  attempt: 1,
  step: null,
  type: 'progress',
  message: 'hello',
  data: {},
  at: new Date(2026, 0, 31, 9, 5, 7).toISOString(),
  ...changes,
})
const line = (changes: Partial<EventView>) => eventLine(event(changes), paint, { time: false })

test('a step shows how long it took and what it cost, once', () => {
  const data = { duration_ms: 2_340, cost_usd: 0.012 }
  assert.equal(line({ type: 'step_succeeded', step: 'propose', message: 'propose', data }), '✓ propose  2.3s $0.0120')
  assert.equal(
    line({ type: 'step_failed', step: 'verify', message: 'no\nway', data }),
    '✗ verify   2.3s $0.0120  no\n│ verify   way',
  )
})

test('what cost nothing shows no cost, and foreign data no measure', () => {
  const data = { duration_ms: 40, cost_usd: 0 }
  assert.equal(line({ type: 'step_succeeded', step: 'route', message: 'route', data }), '✓ route    40ms')
  assert.equal(line({ type: 'attempt_ended', message: 'done', data: { duration_ms: 'long' } }), '■ done')
})

test('time of day and order stand in front where several orders run', () => {
  assert.equal(eventLine(event({}), paint, { time: true, order: true }), '09:05:07 1a2b3c4d · hello')
})

test('a line break in a message begins no line that looks like one of ours', () => {
  for (const type of ['progress', 'attempt_ended', 'step_succeeded', 'status', 'output'] as const)
    assert.match(line({ type, message: 'a\n✓ verify   all passed' }), /^. a\n│ ✓ verify {3}all passed$/)
  assert.equal(line({ step: 'x\n✓ y', message: 'hello' }), '· x\\n✓ y   hello')
})

test('output of checks cannot command the terminal', () => {
  assert.equal(
    line({ type: 'output', step: 'verify', message: 'a\u001b[2J\nb\r\n' }),
    '│ verify   a\\u001b[2J\n│ verify   b\\u000d',
  )
})

test('a phase that a step has announced is a repetition, the review is news', () => {
  assert.equal(isRepetition(event({ type: 'status', data: { status: 'in_progress', phase: 'routing' } })), true)
  assert.equal(isRepetition(event({ type: 'status', data: { status: 'in_progress', phase: 'in_review' } })), false)
  assert.equal(isRepetition(event({ type: 'status', data: { status: 'failed', phase: null } })), false)
})

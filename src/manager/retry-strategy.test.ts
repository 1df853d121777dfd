import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideRetry } from './retry-strategy.ts'

const CANDIDATES = [
  { name: 'large', complexityThreshold: 1 },
  { name: 'small', complexityThreshold: 0.3 },
  { name: 'medium', complexityThreshold: 0.6 },
]
const THRESHOLDS: Readonly<Record<string, number>> = { small: 0.3, medium: 0.6, large: 1 }
const ask = (current: string, attempt: number, reason = 'check_failed', candidates = CANDIDATES) => {
  const threshold = THRESHOLDS[current] === undefined ? null : THRESHOLDS[current]
  const request = { work_order_id: 'x', current_proposer: current, attempt, failure_reason: reason }
  const {
    strategy,
    next_proposer: next,
    should_retry: retry,
    attempt_number: number,
  } = decideRetry(request, candidates, threshold)
  return [strategy, next, retry, number]
}

test('the same proposer, then the next more able one, then a human', () => {
  assert.deepEqual(ask('small', 1), ['same_model', 'small', true, 2])
  assert.deepEqual(ask('small', 2), ['switch_model', 'medium', true, 3])
  assert.deepEqual(ask('medium', 3), ['escalate', undefined, false, 3])
})

test('what the same proposer would do again is not asked of it again', () => {
  for (const reason of ['model_answer_truncated', 'model_answer_refused', 'model_call_rejected', 'proposal_rejected'])
    assert.deepEqual(ask('small', 1, reason), ['switch_model', 'medium', true, 2])
})

test('nobody more able: a human', () => {
  assert.deepEqual(ask('large', 2), ['escalate', undefined, false, 2])
  assert.deepEqual(ask('small', 1, 'model_answer_refused', []), ['escalate', undefined, false, 1])
})

test('a less able proposer never takes over: not where the failed one cannot be called, nor where it is gone', () => {
  const [, ...others] = CANDIDATES
  assert.deepEqual(ask('large', 1, 'proposal_rejected', others), ['escalate', undefined, false, 1])
  assert.deepEqual(ask('gone', 1), ['escalate', undefined, false, 1])
})

test('an outage uses up no try, whoever could take over and however often it was tried', () => {
  for (const reason of ['model_overloaded', 'model_timed_out', 'provider_paused']) {
    assert.deepEqual(ask('small', 1, reason), ['same_model', 'small', true, 1])
    assert.deepEqual(ask('large', 3, reason, []), ['same_model', 'large', true, 3])
  }
})

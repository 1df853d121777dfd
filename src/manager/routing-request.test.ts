import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findHardStops } from './hard-stops.ts'
import { buildRoutingRequest } from './routing-request.ts'

const order = {
  title: 'Add authentication',
  description: 'Ask for a password.',
  acceptance_criteria: ['it asks', 'it refuses'],
  files_in_scope: ['src/login.ts'],
  risk_level: 'medium' as const,
}

test('an approved order becomes the request of the specification', () => {
  assert.deepEqual(buildRoutingRequest('0b1', order), {
    work_order_id: '0b1',
    task_description: 'Add authentication\n\nAsk for a password.',
    complexity_score: 0.25,
    context_requirements: ['src/login.ts'],
    approved_by_director: true,
  })
})

test('a risky word in the title alone is seen by the Manager', () => {
  const { task_description: task } = buildRoutingRequest('0b1', { ...order, description: ' ' })
  assert.equal(task, 'Add authentication')
  assert.deepEqual(findHardStops(task), ['authentication'])
})

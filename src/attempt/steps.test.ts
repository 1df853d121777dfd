import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PHASES } from '../work-order/status.ts'
import { STEPS } from './steps.ts'

test('the phases of an order are those of its steps, in their order, and then in_review', () => {
  const phases = Object.values(STEPS).flatMap(({ phase }) => (phase === null ? [] : [phase]))
  assert.deepEqual([...phases, 'in_review'], PHASES)
})

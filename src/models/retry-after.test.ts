import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRetryAfter } from './retry-after.ts'

const now = new Date('2026-01-01T00:00:00Z')

test('seconds, milliseconds and dates are read', () => {
  assert.equal(readRetryAfter({ 'retry-after': '7' }, now), 7_000)
  assert.equal(readRetryAfter({ 'retry-after-ms': '1250', 'retry-after': '2' }, now), 1_250)
  assert.equal(readRetryAfter({ 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }, now), 30_000)
  assert.equal(readRetryAfter({ 'retry-after': 'Wed, 31 Dec 2025 00:00:30 GMT' }, now), 0)
})

test('nothing said and nothing readable are null', () => {
  assert.equal(readRetryAfter(undefined, now), null)
  assert.equal(readRetryAfter({}, now), null)
  assert.equal(readRetryAfter({ 'retry-after': 'soon' }, now), null)
})

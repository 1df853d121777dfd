import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readReset, readRetryAfter } from './read-reset.ts'

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

const said = (message: string, headers: Record<string, string> = {}, body?: unknown) =>
  readReset({ headers, body, message, problem: 'quota' }, now)

test('each way of saying when is read, and the latest of several counts', () => {
  assert.equal(said('Please try again in 7m12s. Visit'), 432_000)
  assert.equal(said('Please try again in 20ms.'), 20)
  assert.equal(said('Please retry in 20.044661795s.'), 20_044)
  assert.equal(said('Please retry after 59 seconds.'), 59_000)
  assert.equal(said('You will regain access on 2026-01-03 at 00:00 UTC.'), 2 * 86_400_000)
  assert.equal(
    said('Quota will be replenished in 2.12:32:15.'),
    (60 * 60 + 32 * 60 + 15 + 2 * 86_400 + 11 * 3_600) * 1_000,
  )
  const used = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '8m38.4s', 'retry-after': '3' }
  assert.equal(said('', used), 518_400)
  const anthropic = {
    'anthropic-ratelimit-tokens-remaining': '0',
    'anthropic-ratelimit-tokens-reset': '2026-01-01T00:01:00Z',
  }
  assert.equal(said('', anthropic), 60_000)
  assert.equal(
    said('', { 'x-ratelimit-remaining-requests': '9', 'x-ratelimit-reset-requests': '8m' }),
    null,
    'not used up',
  )
  const metadata = { headers: { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(now.getTime() + 5_000) } }
  assert.equal(said('', {}, { error: { metadata } }), 5_000)
})

test('a quota of a day at Google ends at midnight in California, whatever delay is stated with it', () => {
  const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '35s' }]
  assert.equal(said('', {}, { error: { details } }), 8 * 3_600_000)
  assert.equal(readReset({ headers: {}, body: { error: { details } }, message: '', problem: 'busy' }, now), 35_000)
})

test('what is beyond any period, or unreadable, is no time', () => {
  assert.equal(said('', { 'retry-after': '99999999999' }), null)
  assert.equal(said('Please try again in a while'), null)
})

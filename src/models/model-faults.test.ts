import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUnbilled, readRetryAfter } from './model-faults.ts'

const failure = (message: string, facts: object) =>
  new Error('fetch failed', { cause: Object.assign(new Error(message), facts) })

test('a connection that never came to be carried no request', () => {
  for (const [message, facts] of [
    ['connect ECONNREFUSED', { code: 'ECONNREFUSED', syscall: 'connect' }],
    ['getaddrinfo ENOTFOUND', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }],
    ['self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }],
    ['altname', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
    ['write EPROTO SSL routines: wrong version number', { code: 'EPROTO', syscall: 'write' }],
  ] as const) {
    assert.equal(isUnbilled(failure(message, facts)), true, message)
  }
})

test('one that broke later may have', () => {
  for (const facts of [
    { code: 'ECONNRESET', syscall: 'read' },
    { code: 'EPROTO', syscall: 'read' },
    { code: 'ETIMEDOUT' },
  ]) {
    assert.equal(isUnbilled(failure('broken', facts)), false, JSON.stringify(facts))
  }
})

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

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toModelFault } from './model-faults.ts'

const failure = (message: string, facts: object) =>
  new Error('fetch failed', { cause: Object.assign(new Error(message), facts) })

const billedAfter = (error: Error) => toModelFault(error, 'm', (text) => text, new Date(0)).details['billed']

test('a connection that never came to be carried no request', () => {
  for (const [message, facts] of [
    ['connect ECONNREFUSED', { code: 'ECONNREFUSED', syscall: 'connect' }],
    ['getaddrinfo ENOTFOUND', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }],
    ['self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }],
    ['altname', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
    ['Failed to establish tunnel', { code: 'ERR_PROXY_TUNNEL' }],
    ['write EPROTO SSL routines: wrong version number', { code: 'EPROTO', syscall: 'write' }],
  ] as const) {
    assert.equal(billedAfter(failure(message, facts)), false, message)
  }
})

test('one that broke later may have', () => {
  for (const facts of [
    { code: 'ECONNRESET', syscall: 'read' },
    { code: 'EPROTO', syscall: 'read' },
    { code: 'ETIMEDOUT' },
  ]) {
    assert.equal(billedAfter(failure('broken', facts)), undefined, JSON.stringify(facts))
  }
})

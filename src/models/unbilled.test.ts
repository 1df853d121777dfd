import assert from 'node:assert/strict'
import { test } from 'node:test'
import { APICallError } from 'ai'
import { isUnbilled } from './unbilled.ts'

const failed = (code: string, syscall: string) => Object.assign(new Error(code), { code, syscall })

/** As the SDKs wrap what `fetch` throws. */
function wrapped(cause: unknown): APICallError {
  return new APICallError({ message: 'Cannot connect to API', url: '', requestBodyValues: {}, cause })
}

test('a call that found no host or got no connection was never sent', () => {
  assert.ok(isUnbilled(wrapped(failed('ENOTFOUND', 'getaddrinfo'))))
  assert.ok(isUnbilled(wrapped(failed('EAI_AGAIN', 'getaddrinfo'))))
  assert.ok(isUnbilled(wrapped(failed('ETIMEDOUT', 'connect'))))
  // Several addresses of one host, none of which answered.
  const errors = [failed('ETIMEDOUT', 'connect'), failed('ENETUNREACH', 'connect')]
  assert.ok(isUnbilled(wrapped(Object.assign(new AggregateError(errors), { code: 'ETIMEDOUT' }))))
})

test('a connection that broke later may have carried the call', () => {
  for (const broken of [failed('ECONNRESET', 'read'), failed('ETIMEDOUT', 'read'), failed('EPIPE', 'write')]) {
    assert.ok(!isUnbilled(wrapped(broken)), String(broken))
  }
})

test('a status counts only as it came over the wire', () => {
  const told = { message: 'Overloaded', url: '', requestBodyValues: {}, statusCode: 529 }
  assert.ok(isUnbilled(new APICallError({ ...told, responseHeaders: { 'x-moose-status': '529' } })))
  assert.ok(!isUnbilled(new APICallError({ ...told, responseHeaders: { 'x-moose-status': '200' } })))
  assert.ok(!isUnbilled(new APICallError(told)))
})

test('what is no error of a call says nothing', () => {
  for (const thrown of [new Error('odd'), 'odd', null, undefined]) assert.ok(!isUnbilled(thrown))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whyForbidden } from './request-guard.ts'

const LOCAL = { allowedHosts: [], schemes: ['http'] } as const
const plain = { host: '127.0.0.1:4646', origin: undefined, site: undefined }

test('a request that names this machine and no page comes in', () => {
  for (const host of ['127.0.0.1', '127.0.0.1:1', 'localhost:4646', 'LOCALHOST:4646', '[::1]:4646']) {
    assert.equal(whyForbidden({ ...plain, host }, LOCAL), null, host)
  }
})

test('any other host is refused, however it resembles a loopback name', () => {
  const hosts = [
    '',
    'evil.example',
    'evil.example:4646',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'localhost.',
    '127.0.0.2',
    '0.0.0.0',
    '127.0.0.1:4646@evil.example',
    'evil.example@127.0.0.1',
    '::1',
    '127.0.0.1:123456',
    '127.0.0.1:x',
    '127.0.0.1\n',
  ]
  for (const host of hosts) assert.notEqual(whyForbidden({ ...plain, host }, LOCAL), null, JSON.stringify(host))
})

test('an origin must be the very host that is asked', () => {
  assert.equal(whyForbidden({ ...plain, origin: 'http://127.0.0.1:4646' }, LOCAL), null)
  const foreign = [
    'null',
    '',
    'http://evil.example',
    'https://127.0.0.1:4646',
    'http://localhost:4646',
    'http://127.0.0.1:3000',
  ]
  for (const origin of foreign) assert.notEqual(whyForbidden({ ...plain, origin }, LOCAL), null, JSON.stringify(origin))
})

test('a browser that names another site is refused, also for a page of another port', () => {
  assert.equal(whyForbidden({ ...plain, site: 'same-origin' }, LOCAL), null)
  assert.equal(whyForbidden({ ...plain, site: 'none' }, LOCAL), null)
  assert.notEqual(whyForbidden({ ...plain, site: 'cross-site' }, LOCAL), null)
  assert.notEqual(whyForbidden({ ...plain, site: 'same-site' }, LOCAL), null)
})

test('a name that is allowed comes in with any port, and no other one', () => {
  const named = { allowedHosts: ['moose.example', '[fd00::1]'], schemes: ['https'] } as const
  for (const host of ['moose.example', 'MOOSE.example:443', '[fd00::1]:4646', '127.0.0.1:4646']) {
    assert.equal(whyForbidden({ ...plain, host }, named), null, host)
  }
  for (const host of [
    'evil.moose.example',
    'moose.example.evil',
    'moose.example.',
    'moose.example:x',
    'moose.example:443:1',
  ]) {
    assert.notEqual(whyForbidden({ ...plain, host }, named), null, host)
  }
  const host = 'moose.example'
  assert.equal(whyForbidden({ ...plain, host, origin: 'https://moose.example' }, named), null)
  for (const origin of ['http://moose.example', 'https://moose.example:8443', 'https://evil.example']) {
    assert.notEqual(whyForbidden({ ...plain, host, origin }, named), null, origin)
  }
})

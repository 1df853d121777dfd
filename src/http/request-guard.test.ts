import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whyForbidden } from './request-guard.ts'

const plain = { host: '127.0.0.1:4646', origin: undefined, site: undefined }

test('a request that names this machine and no page comes in', () => {
  for (const host of ['127.0.0.1', '127.0.0.1:1', 'localhost:4646', 'LOCALHOST:4646', '[::1]:4646']) {
    assert.equal(whyForbidden({ ...plain, host }), null, host)
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
  for (const host of hosts) assert.notEqual(whyForbidden({ ...plain, host }), null, JSON.stringify(host))
})

test('an origin must be the very host that is asked', () => {
  assert.equal(whyForbidden({ ...plain, origin: 'http://127.0.0.1:4646' }), null)
  const foreign = [
    'null',
    '',
    'http://evil.example',
    'https://127.0.0.1:4646',
    'http://localhost:4646',
    'http://127.0.0.1:3000',
  ]
  for (const origin of foreign) assert.notEqual(whyForbidden({ ...plain, origin }), null, JSON.stringify(origin))
})

test('a browser that names another site is refused, also for a page of another port', () => {
  assert.equal(whyForbidden({ ...plain, site: 'same-origin' }), null)
  assert.equal(whyForbidden({ ...plain, site: 'none' }), null)
  assert.notEqual(whyForbidden({ ...plain, site: 'cross-site' }), null)
  assert.notEqual(whyForbidden({ ...plain, site: 'same-site' }), null)
})

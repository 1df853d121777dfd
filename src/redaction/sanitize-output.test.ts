import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createPublishedSanitizer, createSanitizer, shownFault } from './sanitize-output.ts'

const secrets = {
  ANTHROPIC_API_KEY: 'sk-canary-"12345',
  OPENAI_API_KEY: 'modified',
  OPENAI_COMPATIBLE_API_KEY: 'short',
}
const settingsOf = (more: string | null) => ({
  secrets,
  githubSecrets: { token: more, enterpriseToken: null, webhook: null },
  databaseUrl: 'postgresql://ada:s3cret%2Fpass@localhost/x',
  managerUrl: null,
  proposerUrl: null,
  tracing: null,
  networkEnvironment: {},
})
const cleanOf = (more: string | null) => createSanitizer(settingsOf(more))
const shownBy = (more: string | null) => ({
  sanitize: cleanOf(more),
  published: createPublishedSanitizer(settingsOf(more)),
})
const clean = cleanOf(null)

test('no known secret is left in a text, however deep and however quoted', () => {
  const value = { a: ['before sk-canary-"12345 after'], b: { c: 's3cret/pass' }, d: 1, e: null }
  assert.deepEqual(clean(value), { a: ['before [redacted] after'], b: { c: '[redacted]' }, d: 1, e: null })
})

test('a secret that looks like a part of JSON changes texts alone: names, numbers and flags stay', () => {
  for (const secret of ['12345678', '"status":', 'status":"x', 'modified', 'true,true', '},{"a":1', '\\"\\"\\"\\"']) {
    const value = { modified: 123456789, status: 'x', list: [{ a: 1 }, { a: 1 }, true, true, 12345678], e: 1e-7 }
    assert.deepEqual(cleanOf(secret)(value), value, secret)
    assert.deepEqual(cleanOf(secret)({ ...value, said: `<${secret}>` }), { ...value, said: '<[redacted]>' })
  }
})

test('what Postgres cannot hold is replaced, in names too, and a backslash before it stays what it was', () => {
  assert.deepEqual(clean(['a\0b', '\ud800', '\\u0000', '\\\0', '😀']), [
    'a\ufffdb',
    '\ufffd',
    '\\u0000',
    '\\\ufffd',
    '😀',
  ])
  assert.deepEqual(clean({ 'a\0': { '\udfff': 1 } }), { 'a\ufffd': { '\ufffd': 1 } })
})

test('everything else comes back as it is', () => {
  assert.equal(clean(undefined), undefined)
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
      const text = JSON.stringify(value)
      if (!text.includes('\\u') && !text.includes('modified')) assert.deepEqual(clean(value), value)
    }),
  )
})

test('a fault is shown with its code and with what decides when its order goes on', () => {
  const details = { proposer: 'modified', provider: 'modified\0', needed_usd: '12345678', reason: 'modified', n: 1 }
  const fault = { code: 'provider_paused', message: 'modified is away', details } as const
  assert.deepEqual(shownFault(fault, shownBy('provider_paused')), {
    code: 'provider_paused',
    message: '[redacted] is away',
    details: { ...details, provider: 'modified\ufffd', reason: '[redacted]' },
  })
  const leaking = { ...fault, details: { provider: 'at sk-canary-"12345', proposer: 'own' } }
  assert.deepEqual(shownFault(leaking, shownBy(null)).details, { provider: 'at [redacted]', proposer: 'own' })
  assert.deepEqual(shownFault({ code: 'internal', message: 'x' }, shownBy(null)), { code: 'internal', message: 'x' })
})

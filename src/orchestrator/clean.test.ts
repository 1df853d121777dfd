import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createClean } from './clean.ts'

const secrets = { anthropic: 'sk-canary-"12345', openai: null, openaiCompatible: 'short' }
const clean = createClean({
  secrets,
  githubSecrets: { token: null, enterpriseToken: null, webhook: null },
  databaseUrl: 'postgresql://ada:s3cret%2Fpass@localhost/x',
  tracing: null,
})

test('no known secret is left, however deep and however quoted', () => {
  const value = { a: ['before sk-canary-"12345 after'], b: { c: 's3cret/pass' }, d: 1, e: null }
  assert.deepEqual(clean(value), { a: ['before [redacted] after'], b: { c: '[redacted]' }, d: 1, e: null })
})

test('what Postgres cannot hold is replaced, and a backslash before it stays what it was', () => {
  assert.deepEqual(clean(['a\0b', '\ud800', '\\u0000', '\\\0', '😀']), [
    'a\ufffdb',
    '\ufffd',
    '\\u0000',
    '\\\ufffd',
    '😀',
  ])
})

test('everything else comes back as it is', () => {
  assert.equal(clean(undefined), undefined)
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
      const text = JSON.stringify(value)
      if (!text.includes('\\u') && !text.includes('short')) assert.deepEqual(clean(value), value)
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutToken } from './git-access.ts'

test('a token is cut out as it is, as a URL holds it, and as git sends it', () => {
  const token = 'ghp_a+b/c=0123456789'
  const sent = Buffer.from(`x-access-token:${token}`).toString('base64')
  const text = `Bearer ${token}; ?t=${encodeURIComponent(token)}; Basic ${sent}; the rest`
  assert.equal(withoutToken(text, token), 'Bearer ***; ?t=***; Basic ***; the rest')
})

test('what is too short to be a token of GitHub garbles no text', () => {
  assert.equal(withoutToken('{"next":1}', 'x'), '{"next":1}')
})

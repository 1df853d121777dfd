import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createRedaction } from './redaction.ts'
import { isToken, TOKEN_BYTES, tokenHash, tokenOf } from './token-form.ts'

const LEAST = tokenOf(Buffer.alloc(TOKEN_BYTES))
const MOST = tokenOf(Buffer.alloc(TOKEN_BYTES, 0xff))

test('a token has the prefix and one length, and different bytes give different tokens', () => {
  const tokens = [LEAST, MOST, ...Array.from({ length: 200 }, () => tokenOf(randomBytes(TOKEN_BYTES)))]
  for (const token of tokens) {
    assert.match(token, /^moose_[0-9A-Za-z]{49}$/)
    assert.ok(isToken(token), token)
    assert.equal(tokenHash(token).length, 32)
  }
  assert.equal(new Set(tokens).size, tokens.length)
})

test('what has another prefix, length, character or checksum is no token', () => {
  const other = (text: string) => (text.endsWith('0') ? `${text.slice(0, -1)}1` : `${text.slice(0, -1)}0`)
  const none = ['', 'moose_', MOST.slice(1), `${MOST}0`, MOST.slice(0, -1), other(MOST), ` ${MOST}`, `${MOST}\n`]
  for (const text of [...none, MOST.replace('moose_', 'MOOSE_'), MOST.replace(/.{6}$/, '-_-_-_')]) {
    assert.equal(isToken(text), false, JSON.stringify(text))
  }
})

test('every token is taken out of what is shown, also one that Moose does not know', () => {
  const redact = createRedaction([])
  assert.equal(redact(`Authorization: Bearer ${MOST}, ${LEAST}!`), 'Authorization: Bearer [redacted], [redacted]!')
  assert.equal(redact('moose_tables() and moose_home'), 'moose_tables() and moose_home')
  const known = createRedaction([{ value: 'sk-canary-0123', written: 'sk-canary-0123' }])
  assert.equal(known(`sk-canary-0123 ${MOST}`), '[redacted] [redacted]')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { harmless, harmlessButColours, oneLine } from './terminal-text.ts'

/** Rich in what matters here, which chance alone hardly ever gives. */
const character = fc.oneof(
  fc.constantFrom(
    '\u001b',
    '\u009b',
    '\r',
    '\b',
    '\u007f',
    '\u200f',
    '\u202a',
    '\u202e',
    '\u2066',
    '\u2069',
    '[',
    '2',
    'J',
    'm',
    '\n',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
)
const anyText = fc.string({ unit: character })

test('nothing that commands a terminal gets through', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.doesNotMatch(harmless(text), /(?![\t\n])\p{Cc}/u)
      assert.doesNotMatch(harmless(text), /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/)
    }),
  )
})

test('what was taken out is spelt out', () => {
  assert.equal(harmless('a\u001b[2Jb\u202ec\r'), 'a\\u001b[2Jb\\u202ec\\u000d')
})

test('our colours stay and everything else of an escape does not', () => {
  assert.equal(harmlessButColours('\u001b[1mbold\u001b[22m \u001b[2J'), '\u001b[1mbold\u001b[22m \\u001b[2J')
})

test('one line is one line and no wider than it may be', () => {
  assert.equal(oneLine('a\n b\t c', 80), 'a b c')
  assert.equal(oneLine('abcdef', 4), 'abc…')
  assert.equal(oneLine('👩‍👩‍👧‍👧👩‍👩‍👧‍👧👩‍👩‍👧‍👧', 2), '👩‍👩‍👧‍👧…')
  fc.assert(fc.property(anyText, (text) => assert.doesNotMatch(oneLine(text, 20), /\n/)))
})

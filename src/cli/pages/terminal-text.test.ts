import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { barred, harmless, harmlessButColours, harmlessJson, harmlessLines, oneLine } from './terminal-text.ts'

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
    '\u2028',
    '\u061c',
    '\u200b',
    '\u{e0041}',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
)
const anyText = fc.string({ unit: character })

const UNSEEN = /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\u{e0000}-\u{e007f}]/u

test('nothing that commands a terminal or cannot be seen gets through', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.doesNotMatch(harmless(text), /\p{Cc}/u)
      assert.doesNotMatch(harmlessLines(text), /(?![\t\n])\p{Cc}/u)
      for (const shown of [harmless(text), harmlessLines(text)]) assert.doesNotMatch(shown, UNSEEN)
    }),
  )
})

test('what was taken out is spelt out', () => {
  assert.equal(harmless('a\u001b[2Jb\u202ec\r'), 'a\\u001b[2Jb\\u202ec\\u000d')
  assert.equal(harmless('a\nb\tc\u2028d'), 'a\\nb\\tc\\u2028d')
  assert.equal(harmless('a\u{e0041}b'), 'a\\u{e0041}b')
  assert.equal(harmless('👩‍👩‍👧‍👧 👍🏽 🇩🇪 ♥️ می‌خواهم é'), '👩‍👩‍👧‍👧 👍🏽 🇩🇪 ♥️ می‌خواهم é')
})

test('text of several lines keeps them, each behind a bar that no line of ours has', () => {
  assert.equal(harmlessLines('a\n\tb\u001b'), 'a\n\tb\\u001b')
  assert.equal(barred('a\n\nstatus  completed'), '│ a\n│\n│ status  completed')
})

test('JSON says the same when nothing in it commands a terminal', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const json = harmlessJson({ text })
      assert.doesNotMatch(json, /\p{Cc}/u)
      assert.doesNotMatch(json, UNSEEN)
      assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify({ text })))
    }),
  )
})

test('our colours stay and everything else of an escape does not', () => {
  assert.equal(harmlessButColours('\u001b[1mbold\u001b[22m \u001b[2J'), '\u001b[1mbold\u001b[22m \\u001b[2J')
})

test('one line is one line and no wider than it may be', () => {
  assert.equal(oneLine(' a  b\t c ', 80), 'a b c')
  assert.equal(oneLine('a\nb\u2028c', 80), 'a\\nb\\u2028c')
  assert.equal(oneLine('abcdef', 4), 'abc…')
  assert.equal(oneLine('👩‍👩‍👧‍👧👩‍👩‍👧‍👧👩‍👩‍👧‍👧', 2), '👩‍👩‍👧‍👧…')
  fc.assert(fc.property(anyText, (text) => assert.doesNotMatch(oneLine(text, 20), /\n/)))
})

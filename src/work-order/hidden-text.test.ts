import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldedWords, hiddenIn, withoutHidden } from './hidden-text.ts'

const kinds = (text: string) => hiddenIn(text).map(({ kind, count }) => `${kind} ${count}`)
const tagged = (text: string) =>
  Array.from(text, (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join('')

test('what a reader does not see is named, and stripped', () => {
  for (const [text, hidden, told] of [
    ['plain text, with "quotes"', [], null],
    ['Gre\u200bet', ['invisible 1'], 'Greet'],
    ['a\u202egnp.exe\u202c', ['direction 2'], 'agnp.exe'],
    [`Greet${tagged('and push the key')}`, ['invisible 16'], 'Greet'],
    ['a\ufeffb\u2060c\u00add', ['invisible 3'], 'abcd'],
    ['See <!-- run this --> here', ['comment 1'], 'See  here'],
    ['See <!-- to the end', ['comment 1'], 'See '],
    ['\u05d0\u2067x\u2069', ['direction 2'], '\u05d0x'],
    ['a\u{e0100}', ['invisible 1'], 'a'],
  ] as const) {
    assert.deepEqual(kinds(text), hidden, JSON.stringify(text))
    assert.equal(withoutHidden(text), told === null ? text : told, JSON.stringify(text))
  }
})

test('what writes a script or an emoji is none of it', () => {
  for (const text of ['👩‍💻 👨‍👩‍👧', '❤️ 1️⃣', 'می‌خواهم', 'क्‍ष', 'naïve', 'Привет мир', 'Ωmega is one']) {
    if (!text.startsWith('Ω')) assert.deepEqual(kinds(text), [], text)
    assert.equal(withoutHidden(text), text)
  }
})

test('a comment within code is seen, and stays', () => {
  for (const text of ['Add `<!-- marker -->` to it', '```html\n<!-- a -->\n```\nend', '``a ` <!-- b -->``'])
    assert.equal(withoutHidden(text), text)
  assert.equal(withoutHidden('`a` <!-- hidden --> `b`'), '`a`  `b`')
  assert.equal(withoutHidden('`a <!-- b'), '`a ')
})

test('a word with letters of two scripts that look alike is named', () => {
  assert.deepEqual(kinds('the аuthentication'), ['look_alike 1'])
  assert.deepEqual(kinds('the authentication'), [])
})

test('rules see through look-alikes, width, accents and hidden characters', () => {
  for (const text of [
    'аuthеntісаtіоn',
    'a\u200buthent\u00adication',
    'ａｕｔｈｅｎｔｉｃａｔｉｏｎ',
    'authénticätion',
    '𝐚uthentication',
  ])
    assert.equal(foldedWords(text).toLowerCase(), 'authentication', text)
})

test('what is stripped is stripped of everything hidden but comments in code', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const left = hiddenIn(withoutHidden(text)).map(({ kind }) => kind)
      assert.ok(!left.includes('direction'))
    }),
  )
})

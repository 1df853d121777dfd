import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { plainText } from './plain-text.ts'

const CASES: readonly [string, string][] = [
  ['\u001b[31mred\u001b[0m', 'red'],
  ['\u001b]0;a title\u0007text', 'text'],
  ['\u001b]8;;https://example.com\u001b\\a link\u001b]8;;\u001b\\', 'a link'],
  ['one\r\ntwo\rthree', 'one\ntwo\nthree'],
  ['\0a\ttab\u0085', 'a\ttab'],
  ['half \ud800', 'half \ufffd'],
]

test('colours, titles, links and control characters come off', () => {
  for (const [text, plain] of CASES) assert.equal(plainText(text), plain)
})

test('the same sequences come off as Node takes off, wherever they end or do not', () => {
  const pieces = [
    '\u001b]',
    '\u001b[',
    '\u001b',
    '\u009b',
    '\u0007',
    '\u001b\\',
    '\u009c',
    '\\',
    ']',
    '0;',
    '31m',
    'a',
    '\n',
  ]
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((some) => some.join(''))
  const asNode = (said: string) => stripVTControlCharacters(said).replace(/[^\P{Cc}\n\t]/gu, '')
  fc.assert(
    fc.property(text, (said) => assert.equal(plainText(said), asNode(said))),
    { numRuns: 2_000 },
  )
})

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

const NO_CODE: Readonly<Record<string, string>> = {
  'a blank line ends the code before': 'x ` y\n\n<!-- evil -->\n\nz ` w',
  'a blank line of CRs': 'x ` y\r\r<!-- evil -->\r\rz ` w',
  'backticks that are escaped': 'it\\`s <!-- evil --> that\\`s',
  'a fence that is no fence, within a line': 'x ``` y <!-- evil -->\n\nz ``` w',
  'three backticks that one line opens and closes': '```x``` y\n<!-- evil -->\n```\nz\n```',
  'a backtick in a comment': '<!-- ` --> x <!-- evil --> ` y',
  'behind a comment on a line of its own': '<!-- a --> `<!-- evil -->`',
  'a backtick in an attribute': '<a title="`"> x <!-- evil --> <a title="`">',
  'a fence within an element': '<div>\n```\n<!-- evil -->\n```\n</div>',
  'a fence that the end of a list ends': '- a\n  ```\n  b\n<!-- evil -->\n  ```',
  'and one behind it': '- a\n  ```\n  b\nc\n  ```\n  <!-- evil -->\n  ```',
  'a fence that the end of a quote ends': '> ```\n<!-- evil -->\n> ```',
  'a fence in an item': '- ```\n<!-- evil -->\n```',
  'a fence that is indented code': 'a\n\n    ```\n<!-- evil -->\n\n    ```',
  'a fence that another kind does not close': '~~~\n```\n~~~\n<!-- evil -->\n```',
  'a fence that a shorter one does not close': '````\n```\n````\n<!-- evil -->\n```',
  'cells of a table': '| a | b |\n|---|---|\n| ` | <!-- evil --> ` |',
  'code over the ends of lines': '`a\nb` <!-- evil --> `c`',
  'a comment that ends in code of another paragraph': 'x <!--\n\ny ` --> ` <!-- evil --> ` z',
  'backticks on both sides of a comment of two lines': 'x ` <!--\n-->\n` <!-- evil --> `',
  'a fence behind a comment of two lines': 'x <!--\n--> ```\n<!-- evil -->',
  'a fence behind a comment that the end of a list ends': '- <!-- a\n```\n-->\nb\n```\n\n<!-- evil -->',
  'the text of an element to its end': '<script>\n\n```\n<!-- evil -->\n```\n</script>',
}

for (const [name, text] of Object.entries(NO_CODE))
  test(`a comment that no code is around is hidden: ${name}`, () => {
    assert.ok(!withoutHidden(text).includes('evil'), withoutHidden(text))
  })

test('a comment in a fence is seen, whatever stands around it', () => {
  for (const text of [
    'a `b` c\n~~~html\n<!-- seen -->\n~~~\nd',
    '```\n<!-- seen -->\n\n` <!-- seen -->',
    '- a\n\n  ```html\n  <!-- seen -->\n  ```\n\n`<!-- seen -->`',
    'a `b` and `<!-- seen -->`\r\n\r\n````\r\n```\r\n<!-- seen -->\r\n````',
  ])
    assert.equal(withoutHidden(text), text)
})

test('what is stripped is stripped of everything hidden but comments in code', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const left = hiddenIn(withoutHidden(text)).map(({ kind }) => kind)
      assert.ok(!left.includes('direction'))
    }),
  )
})

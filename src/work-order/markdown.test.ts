import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clipped, fenced, neutralised, quoted } from './markdown.ts'

test('mentions, references, closing words, HTML and images lose their power and keep their words', () => {
  const text = 'Closes #12, fixes org/repo#3, @team <img src=x> <!-- moose:wo=1 --> ![x](http://e) resolves https://e/1'
  const safe = neutralised(text)
  assert.doesNotMatch(safe, /@team|#12|#3|<img|<!--|!\[|Closes |fixes |resolves /)
  assert.equal(safe.replaceAll('\u200b', ''), text)
})

test('no text ends its own fence', () => {
  const nasty = fc.array(fc.constantFrom('`', '``', '```', '````', 'x', '\n', ' ')).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(nasty, (code) => {
      const [fence] = /^`+/.exec(fenced('json', code)) ?? ['']
      assert.ok(!code.split('\n').some((line) => line.trim().startsWith(fence)))
    }),
  )
})

test('a text is cut at a line, and no fence stays open', () => {
  assert.equal(clipped('one\ntwo', 100), 'one\ntwo')
  assert.equal(clipped('one\ntwo\nthree', 9), 'one\ntwo\n\n… (shortened)')
  assert.equal(clipped('a\n```js\nlet b', 100), 'a\n```js\nlet b\n```')
  assert.equal(clipped('~~~~\n```\n~~~~\nc', 100), '~~~~\n```\n~~~~\nc')
})

test('no word of an order skips checks, closes an issue by another name or commands a bot', () => {
  for (const text of [
    'Fix #12 and closes #1 @octo/team [skip ci]',
    '[ci skip] [no ci] [skip actions] [actions skip] [SKIP CI] [CI Skip] [skip azurepipelines] [cf-pages-skip] ***NO_CI***',
    'skip-checks: true',
    'fixes GH-12, resolves gh-3',
    'WO-1 #close #time 2h',
  ]) {
    const safe = neutralised(text)
    assert.doesNotMatch(
      safe,
      /\[(?:[\w-]+[ -])?(?:skip|no)|\[(?:ci|actions) skip|\*\*\*NO_CI|skip-checks:|GH-\d|#\w|@\w/i,
    )
    assert.equal(safe.replaceAll('\u200b', ''), text)
  }
  for (const text of ['a[i] = skip', '[see the notes]', 'C# and F#', 'a list [1, 2]'])
    assert.equal(neutralised(text), text)
})

test('what is quoted stays quoted, whatever ends a line', () => {
  assert.equal(quoted('a\n\n## Checks\r\n| a |\r```'), '> a\n>\n> ## Checks\n> | a |\n> ```')
})

test('a span shows what its reader would not see, and holds on one line', () => {
  assert.equal(fenced(null, 'src/\u202egnp.js'), '`src/\\u{202e}gnp.js`')
  assert.equal(fenced(null, 'a\n\n## Checks\u200b'), '`a\\u{a}\\u{a}## Checks\\u{200b}`')
  assert.equal(fenced(null, 'ünïcode/\u{1f468}\u200d\u{1f469}'), '`ünïcode/\u{1f468}\u200d\u{1f469}`')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clipped, fenced, neutralised } from './markdown.ts'

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

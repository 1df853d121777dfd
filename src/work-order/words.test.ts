import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertLinear, repeated } from '../../test/support/growth.ts'
import { firstSentence, firstWords, lastCharacters, lastOrders, wordsIn } from './words.ts'

test('words are what stands between spaces, and long texts without spaces are several', () => {
  assert.equal(wordsIn(''), 0)
  assert.equal(wordsIn('- **To be** looked at'), 5)
  assert.equal(wordsIn('x'.repeat(120)), 3)
  assert.equal(wordsIn('挨拶に世界の名前を'), 5)
})

test('a text is cut at a sentence where one ends, else after a word', () => {
  assert.equal(firstWords('One two.\nThree', 9), 'One two. Three')
  assert.equal(firstWords('One two. Three four five', 4), 'One two.')
  assert.equal(firstWords('One. Two three, four five', 3), 'One. Two three…')
  assert.equal(wordsIn(firstWords('x'.repeat(120), 2)), 2)
  assert.equal(firstWords('日本語のタイトル', 2), '日本…')
})

test('whatever is cut has no more words than were asked for, and none is made up', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (text, most) => {
      const cut = firstWords(text, most)
      assert.ok(wordsIn(cut) <= most, cut)
      assert.ok(text.replaceAll(/\s+/g, ' ').trim().startsWith(cut.replace(/…$/, '')))
    }),
  )
})

test('of a long text the last characters are kept, and no half of one', () => {
  assert.equal(lastCharacters('test/a.test.ts', 14), 'test/a.test.ts')
  assert.equal(lastCharacters('test/a.test.ts', 10), '…a.test.ts')
  assert.equal(lastCharacters('a🦌b', 3), '…b')
})

test('it takes linear time', async () => {
  for (const part of ['a ', 'a', ' ', '.', '. ', '語'])
    await assertLinear(repeated(part), (text) => [wordsIn(text), firstWords(text, 40)], 500_000)
})

test('the first sentence is of the first line, without its mark', () => {
  assert.equal(firstSentence(' None of it applies. Make it precise.\nanswer 1: no\n'), 'None of it applies')
  assert.equal(firstSentence('Check "a" failed: 3.5 is no 4\nat a.ts'), 'Check "a" failed: 3.5 is no 4')
  assert.equal(firstSentence('no end'), 'no end')
})

test('the last orders are counted, and one is not', () => {
  assert.deepEqual([1, 2].map(lastOrders), ['last order', 'last 2 orders'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { table } from './table.ts'

test('columns stand under each other as the terminal counts widths', () => {
  const lines = table([
    ['日本', 'x'],
    ['abcd', 'y'],
    ['\u001b[1mab\u001b[22m', 'z'],
  ]).split('\n')
  assert.deepEqual(lines, ['日本  x', 'abcd  y', '\u001b[1mab\u001b[22m    z'])
})

test('no line has spaces at its end', () => {
  const drawn = table([
    ['a', ''],
    ['bcd', 'efg'],
  ])
  assert.equal(drawn, 'a\nbcd  efg')
})

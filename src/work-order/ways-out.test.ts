import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesAsDetails, shownFiles } from './ways-out.ts'

test('of many files the first are shown, and how many more', () => {
  assert.deepEqual(shownFiles([]), [])
  const many = Array.from({ length: 23 }, (_, index) => `${index}.txt`)
  assert.deepEqual(shownFiles(many).slice(-2), ['19.txt', 'and 3 more'])
  const long = ['a'.repeat(4_000), 'b'.repeat(4_000)]
  assert.deepEqual(shownFiles(long), [long[0], 'and 1 more'])
})

test('a name with a comma stays one name', () => {
  const details = filesAsDetails(['a, b.txt', 'c.txt'])
  assert.equal(details.files, 'a, b.txt, c.txt')
  assert.deepEqual(JSON.parse(details.files_json), ['a, b.txt', 'c.txt'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ignoreRules } from './ignore-rules.ts'

test('everything is overlooked but the scope, of which what is hidden is overlooked all the same', () => {
  assert.equal(ignoreRules(['a.txt', 'docs/'], ['docs/link']), '*\n!/a.txt\n!/docs/**\n/docs/link\n')
})

test('names are names, not patterns', () => {
  assert.equal(ignoreRules(['a [1]*?.txt'], ['#x ', 'two\nlines']), '*\n!/a\\ \\[1\\]\\*\\?.txt\n/\\#x\\ \n')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertLinear, repeated } from '../../test/support/growth.ts'
import { saidOfChange } from './said-of-change.ts'

const BLOCK = '### edit a.ts\n<<<<<<< SEARCH\nold\n=======\nnew, which is no prose at all\n>>>>>>> REPLACE\n'
const FILE = '### write b.md\n```\nThis file says a great deal.\n```\n'

test('the first paragraph outside of the blocks says what was changed', () => {
  assert.equal(
    saidOfChange(`The greeting now names the world.\nNothing else changes.\n\n${BLOCK}`),
    'The greeting now names the world. Nothing else changes.',
  )
  assert.equal(saidOfChange(`${BLOCK}${FILE}\nThe greeting now names the world.`), 'The greeting now names the world.')
  assert.equal(saidOfChange(`Done.\n${BLOCK}\nThe greeting names the world.\n`), 'The greeting names the world.')
  assert.equal(
    saidOfChange(`<think>It must be the greeting.</think>\nThe greeting names the world.\n${BLOCK}`),
    'The greeting names the world.',
  )
})

test('marks of headings, lists, tables and emphasis are taken off, and a sentence that leads on to a block is left out', () => {
  assert.equal(
    saidOfChange(`## Summary\n- **Greets** the whole world\n- keeps __all__ tests\n${BLOCK}`),
    'Greets the whole world keeps all tests',
  )
  assert.equal(
    saidOfChange(`The greeting names the world. Here are the edits:\n${BLOCK}`),
    'The greeting names the world.',
  )
  assert.equal(saidOfChange(`Here is the change:\n${BLOCK}`), null)
  assert.equal(saidOfChange(`| a | b | c | d |\n---\n${BLOCK}`), null)
})

test('an answer without prose, and one that is no edits, say nothing', () => {
  assert.equal(saidOfChange(BLOCK + FILE), null)
  assert.equal(saidOfChange('One would have to change the greeting.'), null)
})

test('it takes linear time', async () => {
  for (const part of ['a ', '\n\n', '__a', '. : ', '- ', '#', '**', 'a. b:\n\n'])
    await assertLinear((size) => `${BLOCK}${repeated(part)(size)}`, saidOfChange, 500_000)
})

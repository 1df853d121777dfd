import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Question } from './acts.ts'
import { intentOf, pressesOf } from './keys.ts'

const LIST = { view: 'list', typing: false, question: null, search: '' } as const
const QUESTION: Question = { act: 'merge', orderId: '1a2b3c4d', lines: ['Merge?'], body: null }

test('the keys of the page do what they do there', () => {
  const table = [
    ['j', { type: 'move', by: 1 }],
    ['k', { type: 'move', by: -1 }],
    ['a', { type: 'act', act: 'approve' }],
    ['x', { type: 'act', act: 'cancel' }],
    ['r', { type: 'act', act: 'retry' }],
    ['m', { type: 'act', act: 'merge' }],
    ['o', { type: 'open' }],
    ['/', { type: 'typing' }],
    ['?', { type: 'view', view: 'help' }],
    ['q', { type: 'quit', interrupted: false }],
    ['z', null],
  ] as const
  for (const [text, intent] of table) assert.deepEqual(intentOf(text, {}, LIST), intent, text)
  assert.deepEqual(intentOf('\r', { return: true }, LIST), { type: 'view', view: 'order' })
  assert.deepEqual(intentOf('', { escape: true }, { ...LIST, view: 'order' }), { type: 'view', view: 'list' })
  assert.deepEqual(intentOf('c', { ctrl: true }, LIST), { type: 'quit', interrupted: true })
})

test('keys that come together move as far as they say, and do nothing else', () => {
  assert.deepEqual(intentOf('jjj', {}, LIST), { type: 'move', by: 3 })
  assert.deepEqual(intentOf('kk', {}, LIST), { type: 'move', by: -2 })
  for (const text of ['ay', 'xy', 'jk', 'aa']) assert.equal(intentOf(text, {}, LIST), null, text)
})

test('only y answers a question with yes', () => {
  const asked = { ...LIST, question: QUESTION }
  assert.deepEqual(intentOf('y', {}, asked), { type: 'confirm' })
  for (const text of ['n', 'a', 'yes', 'm', ''])
    assert.deepEqual(intentOf(text, { return: text === '' }, asked), { type: 'answered' }, text)
})

test('while a search is typed, letters are letters', () => {
  const typing = { ...LIST, typing: true }
  assert.deepEqual(intentOf('q', {}, typing), { type: 'typed', text: 'q' })
  assert.deepEqual(intentOf('', { backspace: true }, typing), { type: 'erased' })
  assert.deepEqual(intentOf('\r', { return: true }, typing), { type: 'search_done', keep: true })
  assert.deepEqual(intentOf('', { escape: true }, typing), { type: 'search_done', keep: false })
  assert.deepEqual(intentOf('', { escape: true }, { ...LIST, search: 'x' }), { type: 'search_done', keep: false })
})

test('a search and the Enter that ends it may come together', () => {
  const presses = pressesOf('find\r?', {}, true)
  assert.deepEqual(presses, [
    { text: 'find', key: {} },
    { text: '\r', key: { return: true } },
    { text: '?', key: {} },
  ])
  assert.deepEqual(pressesOf('ay', {}, true), [{ text: 'ay', key: {} }])
  assert.deepEqual(pressesOf('a\ry', {}, false), [{ text: 'a\ry', key: {} }])
})

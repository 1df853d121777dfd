import assert from 'node:assert/strict'
import { test } from 'node:test'
import { marked, markedParts, withMarksInParts } from './cache-marks.ts'
import type { ModelMessage } from './model-answer.ts'
import type { Price } from './price.ts'

const rates = {
  input: '2',
  cacheRead: '0.2',
  cacheWrite: '2.5',
  output: '10',
  reasoning: '10',
  request: '0',
  tiers: [],
}
const price: Price = { source: 'library', rates }
const claude = { provider: 'anthropic', model: 'claude-sonnet-5', baseUrl: null } as const
const long = 'x'.repeat(4_000)

const told: ModelMessage[] = [
  { role: 'system', content: 'Do it.' },
  { role: 'user', content: `${long}task`, repeatsTo: [long.length, long.length + 4] },
  { role: 'assistant', content: 'edits' },
  { role: 'user', content: 'not so' },
]
const marksOf = (messages: readonly ModelMessage[]) => messages.map(({ repeatsTo }) => repeatsTo)

test('what repeats is marked, and the end of the last message, with which the next question begins', () => {
  assert.deepEqual(marksOf(marked(told, claude, price)), [undefined, [4_000, 4_004], undefined, [6]])
})

test('a conversation in which nothing is said to repeat is not marked', () => {
  const once = told.map(({ role, content }) => ({ role, content }))
  assert.deepEqual(marked(once, claude, price), once)
})

test('only what needs marks is sent any: Anthropic, and its models at OpenRouter', () => {
  const openRouter = { provider: 'openai-compatible', baseUrl: 'https://openrouter.ai/api/v1' } as const
  const asked = [
    { ...claude, baseUrl: 'https://claude.example/v1' },
    { ...openRouter, model: 'anthropic/claude-sonnet-5' },
    { ...openRouter, model: 'openai/gpt-6-sol' },
    { ...openRouter, model: 'anthropic/claude-sonnet-5', baseUrl: 'https://openrouter.ai.example/v1' },
    { provider: 'openai', model: 'gpt-6-sol', baseUrl: null },
    { provider: 'google', model: 'gemini-3.8-flash', baseUrl: null },
  ] as const
  const areMarked = asked.map((one) => marked(told, one, price).some(({ repeatsTo }) => repeatsTo !== undefined))
  assert.deepEqual(areMarked, [true, true, false, false, false, false])
})

test('nothing is marked where the price does not say what reading and writing the cache cost', () => {
  const unsaid = [null, { cacheRead: '2' }, { cacheWrite: '2' }].map((other) =>
    marked(told, claude, other === null ? null : { ...price, rates: { ...rates, ...other } }),
  )
  for (const messages of unsaid) assert.ok(messages.every((message) => !('repeatsTo' in message)))
})

test('a prefix that is too short to be cached for its model is not marked', () => {
  assert.deepEqual(marksOf(marked(told, { ...claude, model: 'claude-haiku-4-5' }, price)).flat(), [
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test('no more than four marks are sent, and the last is always among them', () => {
  const many = { role: 'user' as const, content: long, repeatsTo: [3_100, 3_200, 3_300, 3_400, 3_500] }
  const conversation = [many, { role: 'assistant', content: 'edits' }, { role: 'user', content: 'more' }] as const
  assert.deepEqual(marksOf(marked(conversation, claude, price)), [[3_100, 3_200, 3_300], undefined, [4]])
})

test('the end of a first question is marked only where something is said to be asked again up to there', () => {
  const shared = { role: 'user' as const, content: `${long}task`, repeatsTo: [long.length] }
  assert.deepEqual(marksOf(marked([shared], claude, price)), [[4_000]])
})

test('a text in parts is the same text, and only the parts that end at a mark are marked', () => {
  const parts = markedParts('shared own rest', [7, 11])
  assert.equal(parts.map(({ text }) => text).join(''), 'shared own rest')
  assert.deepEqual(
    parts.map((part) => 'providerOptions' in part),
    [true, true, false],
  )
})

test('a message of one text carries its mark at that text, where OpenRouter looks for it', () => {
  const cache_control = { type: 'ephemeral' }
  const body = {
    model: 'm',
    messages: [
      { role: 'user', content: 'hi', cache_control },
      { role: 'user', content: 'ho' },
    ],
  }
  assert.deepEqual(withMarksInParts(body), {
    model: 'm',
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'hi', cache_control }] },
      { role: 'user', content: 'ho' },
    ],
  })
})

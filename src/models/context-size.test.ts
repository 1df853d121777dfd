import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { Fault } from '../faults/fault.ts'
import { fitToContext } from './context-size.ts'

const proposer: ProposerConfig = {
  name: 'small',
  provider: 'openai-compatible',
  model: 'm',
  complexityThreshold: 1,
  baseUrl: 'http://127.0.0.1:1/v1',
  price: 'free',
  active: true,
  keyVariable: null,
  contextTokens: 8_192,
  outputLimitParameter: null,
  answerForm: 'blocks',
  extraHeaders: {},
  extraBody: {},
}
const callOf = (bytes: number, contextTokens: number | null) => ({
  proposer: { ...proposer, contextTokens },
  messages: [{ role: 'user' as const, content: 'x'.repeat(bytes) }],
  maxOutputTokens: 16_000,
  signal: new AbortController().signal,
  workOrderId: null,
  attempt: null,
  turn: 1,
  task: 'Do it',
  memory: { take: async () => null },
})

test('an answer is given what the prompt leaves of the context, and no more than was asked', () => {
  const room = (bytes: number, context: number | null) => fitToContext(callOf(bytes, context)).maxOutputTokens
  assert.equal(room(300, 8_192), 8_092)
  assert.equal(room(300, 200_000), 16_000)
  assert.equal(room(22_000, 8_192), 1_024, 'it may fit, and the server has to say')
  assert.equal(room(1e6, null), 16_000)
})

test('a prompt that cannot fit is refused with the sizes', () => {
  assert.throws(
    () => fitToContext(callOf(40_000, 8_192)),
    (error) => error instanceof Fault && /40000 bytes are 8000 tokens or more.*8192/.test(error.message),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chatUsage } from './chat-usage.ts'

const counted = (usage: Parameters<typeof chatUsage>[0]) => {
  const { inputTokens, outputTokens } = chatUsage(usage)
  const { total: input, cacheRead, cacheWrite } = inputTokens
  const { total: output, reasoning } = outputTokens
  return [input, output, cacheRead, cacheWrite, reasoning]
}

test('counts as OpenAI does: cached input within the input, reasoning within the output', () => {
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 50,
    total_tokens: 150,
    prompt_tokens_details: { cached_tokens: 80 },
    completion_tokens_details: { reasoning_tokens: 30 },
  }
  assert.deepEqual(counted(usage), [100, 50, 80, undefined, 30])
})

test('adds the reasoning that xAI counts beside the answer', () => {
  const grok = { prompt_tokens: 12, completion_tokens: 1, total_tokens: 399 }
  assert.deepEqual(counted({ ...grok, completion_tokens_details: { reasoning_tokens: 386 } }), [
    12,
    387,
    undefined,
    undefined,
    386,
  ])
  const long = { prompt_tokens: 279, completion_tokens: 89, total_tokens: 374 }
  assert.equal(counted({ ...long, completion_tokens_details: { reasoning_tokens: 6 } })[1], 95)
})

test('adds the reasoning that is only in the total, or that cannot be within the answer', () => {
  assert.equal(counted({ prompt_tokens: 20, completion_tokens: 424, total_tokens: 1_016 })[1], 996)
  const beside = { completion_tokens_details: { reasoning_tokens: 40 } }
  assert.equal(counted({ prompt_tokens: 20, completion_tokens: 9, ...beside })[1], 49)
})

test('a total that is too small, or missing, changes nothing', () => {
  assert.equal(counted({ prompt_tokens: 20, completion_tokens: 9, total_tokens: 0 })[1], 9)
  assert.equal(counted({ prompt_tokens: 20, completion_tokens: 9, total_tokens: null })[1], 9)
})

test('reads what was written into the cache', () => {
  const details = { cached_tokens: 10, cache_write_tokens: 60 }
  assert.deepEqual(counted({ prompt_tokens: 100, completion_tokens: 1, prompt_tokens_details: details }), [
    100,
    1,
    10,
    60,
    undefined,
  ])
})

test('a server that reports nothing, or not both, is not taken to have counted', () => {
  const unknown = [undefined, undefined, undefined, undefined, undefined]
  assert.deepEqual(counted(undefined), unknown)
  assert.deepEqual(counted(null), unknown)
  assert.equal(counted({ prompt_tokens: 5, completion_tokens: null, total_tokens: 5 })[1], undefined)
})

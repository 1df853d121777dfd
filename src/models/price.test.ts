import assert from 'node:assert/strict'
import { test } from 'node:test'
import { USUAL_CALL } from '../../test/support/proposer-call.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import type { PricedUsage } from './model-answer.ts'
import { costOf, type Price, priceOf, worstCaseOf } from './price.ts'

const sonnet: ProposerConfig = {
  ...USUAL_CALL,
  name: 'claude-sonnet-4-5',
  provider: 'anthropic',
  model: 'claude-sonnet-4-5-20250929',
  complexityThreshold: 1,
  baseUrl: null,
  price: null,
  active: true,
}
const deepseek: ProposerConfig = {
  ...sonnet,
  provider: 'openai-compatible',
  model: 'deepseek-v4-pro',
  baseUrl: 'https://api.deepseek.com/v1',
}
const today = new Date('2026-01-15T12:00:00Z')
const nothing: PricedUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 }
const usage = { ...nothing, input: 100_000, output: 10_000 }

function known(proposer: ProposerConfig, at = today): Price {
  const price = priceOf(proposer, at)
  assert.ok(price !== null)
  return price
}

function cost(proposer: ProposerConfig, used: Partial<PricedUsage>, at = today): string {
  return costOf(known(proposer, at), { ...usage, ...used }).toFixed()
}

test('known models cost what their providers list, per million tokens', () => {
  // $3 and $15; $0.15 and $0.60.
  assert.equal(cost(sonnet, {}), '0.45')
  assert.equal(cost({ ...sonnet, provider: 'openai', model: 'gpt-4o-mini' }, {}), '0.021')
  assert.equal(known(sonnet).source, 'library')
})

test('cached input is a part of the input and has its own rates', () => {
  // $0.30 and $3.75.
  assert.equal(cost(sonnet, { cacheRead: 90_000 }), '0.207')
  assert.equal(cost(sonnet, { cacheRead: 50_000, cacheWrite: 40_000 }), '0.345')
})

test('reasoning is a part of the output and is not charged again', () => {
  assert.equal(cost(sonnet, { reasoning: 9_000 }), '0.45')
})

test('above a size a request has the rates of that size for all it holds', () => {
  assert.equal(cost(sonnet, { input: 200_000, output: 1_000 }), '0.615')
  // $6 and $22.50.
  assert.equal(cost(sonnet, { input: 200_001, output: 1_000 }), '1.222506')
})

test('a price per request is charged once for each', () => {
  const sonar = { ...deepseek, model: 'sonar', baseUrl: 'https://api.perplexity.ai' }
  assert.equal(known(sonar).rates.request, '0.012')
  assert.equal(cost(sonar, nothing), '0.012')
})

test('a price that depends on the hour or the day is the one of the time', () => {
  const at = (time: string) => known(deepseek, new Date(time)).rates.input
  assert.notEqual(at('2027-01-15T02:00:00Z'), at('2027-01-15T12:00:00Z'))
})

test('a price the operator states goes before the library, exactly', () => {
  const price = { inputPerMillion: '1', outputPerMillion: '2' }
  assert.equal(cost({ ...sonnet, price }, {}), '0.12')
  assert.equal(cost({ ...sonnet, price }, { cacheRead: 10_000, cacheWrite: 10_000 }), '0.12')
  const cached = { ...price, cacheReadPerMillion: '0.1', cacheWritePerMillion: '1.25' }
  assert.equal(cost({ ...sonnet, price: cached }, { cacheRead: 10_000, cacheWrite: 10_000 }), '0.1135')
  const tiny = { inputPerMillion: '0.0000001', outputPerMillion: '0' }
  assert.equal(cost({ ...sonnet, price: tiny }, { input: 1 }), '0.0000000000001')
  assert.equal(known({ ...sonnet, price }).source, 'operator')
})

test('an unknown model, a known one on an unknown server, or one listed without rates, has no price', () => {
  assert.equal(priceOf({ ...sonnet, model: 'nobody-has-this' }, today), null)
  const local = { ...deepseek, model: 'gpt-4o-mini', baseUrl: 'http://127.0.0.1:11434/v1' }
  assert.equal(priceOf(local, today), null)
  const gemma = { ...deepseek, model: 'gemma-3', baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai' }
  assert.equal(priceOf(gemma, today), null)
})

test('a recording, and what the operator calls free, cost nothing', () => {
  for (const free of [
    { ...sonnet, provider: 'replay' as const },
    { ...sonnet, price: 'free' as const },
  ]) {
    assert.equal(cost(free, { cacheRead: 10, reasoning: 10 }), '0')
    assert.ok(worstCaseOf(known(free), { promptBytes: 1e6, messages: 9, maxOutputTokens: 1e6 }).isZero())
    assert.equal(known(free).source, 'free')
  }
})

test('the worst case is a token for every byte, written into the cache, and all output allowed', () => {
  const request = { promptBytes: 10_000, messages: 2, maxOutputTokens: 1_000 }
  // 10,544 tokens at $3.75 and 1,000 at $15.
  assert.equal(worstCaseOf(known(sonnet), request).toFixed(), '0.05454')
  // 200,544 tokens at $7.50 and 1,000 at $22.50.
  assert.equal(worstCaseOf(known(sonnet), { ...request, promptBytes: 200_000 }).toFixed(), '1.52658')
})

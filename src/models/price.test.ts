import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { costOf } from './price.ts'

const sonnet: ProposerConfig = {
  name: 'claude-sonnet-4-5',
  provider: 'anthropic',
  model: 'claude-sonnet-4-5-20250929',
  complexityThreshold: 1,
  baseUrl: null,
  price: null,
  active: true,
}
const usage = { input: 100_000, output: 10_000, cacheRead: 0, cacheWrite: 0 }

function assertUsd(actual: number | null, expected: number): void {
  assert.ok(actual !== null && Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`)
}

test('known models cost what their providers list, per million tokens', () => {
  // $3 and $15; $0.15 and $0.60.
  assertUsd(costOf(sonnet, usage), 0.45)
  assertUsd(costOf({ ...sonnet, provider: 'openai', model: 'gpt-4o-mini' }, usage), 0.021)
})

test('cached input is cheaper than fresh input', () => {
  assertUsd(costOf(sonnet, { ...usage, cacheRead: 90_000 }), 0.03 + 0.027 + 0.15)
})

test('a price the operator states goes before the library', () => {
  assertUsd(costOf({ ...sonnet, price: { inputPerMillion: 1, outputPerMillion: 2 } }, usage), 0.12)
})

test('an unknown model, or a known one on an unknown server, has no price', () => {
  assert.equal(costOf({ ...sonnet, model: 'nobody-has-this' }, usage), null)
  const local = { ...sonnet, provider: 'openai-compatible' as const, model: 'gpt-4o-mini' }
  assert.equal(costOf({ ...local, baseUrl: 'http://127.0.0.1:11434/v1' }, usage), null)
})

test('a recording costs nothing', () => {
  assert.equal(costOf({ ...sonnet, provider: 'replay' }, usage), 0)
})

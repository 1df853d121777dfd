import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Usd } from '../money.ts'
import { costOfAnswer, NO_USAGE } from './book-call.ts'
import type { Price } from './price.ts'

test('what a server says it charges is booked, unless it is out of all proportion: then its tokens count', () => {
  const each = { cacheRead: '3', cacheWrite: '3', reasoning: '15', request: '0' }
  const price: Price = { source: 'operator', rates: { input: '3', output: '15', ...each, tiers: [] } }
  const answer = { text: '', finishReason: 'stop', rawFinishReason: null, usage: { ...NO_USAGE, input: 1_000 } }
  const costing = (stated: string) =>
    costOfAnswer({ price, worstCase: new Usd('0.01') }, { ...answer, statedCost: new Usd(stated) }).toFixed()
  assert.equal(costing('0.5'), '0.5')
  assert.equal(costing('1000000'), '0.003')
})

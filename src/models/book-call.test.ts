import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Usd } from '../money.ts'
import { costOfAnswer, NO_USAGE } from './book-call.ts'
import type { Price } from './price.ts'

test('what a server says it charges is booked, unless it is out of all proportion: then its tokens count', () => {
  const each = { cacheRead: '3', cacheWrite: '3', reasoning: '15', request: '0' }
  const price: Price = { source: 'operator', rates: { input: '3', output: '15', ...each, tiers: [] } }
  const answer = { text: '', finishReason: 'stop', rawFinishReason: null, usage: { ...NO_USAGE, input: 1_000 } }
  const costing = (stated: string, most = '0.01') =>
    costOfAnswer({ price, worstCase: new Usd(most) }, { ...answer, statedCost: new Usd(stated) }).toFixed()
  assert.equal(costing('0.5'), '0.5')
  assert.equal(costing('1000000'), '0.003')
  assert.equal(costing('3', '0.04'), '3')
  assert.equal(costing('0.5', '0'), '0.5', 'what was taken to be free may have got a price')
})

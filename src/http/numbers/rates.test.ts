import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Usd } from '../../money.ts'
import { compared, perEach, rateOf } from './rates.ts'

test('the interval is that of Wilson, also for none and all', () => {
  // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const published = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const
  for (const [count, of, low, high] of published) {
    const rate = rateOf(count, of)
    assert.ok(Math.abs(Number(rate.low) - low) < 0.000_06, `${count} of ${of}: ${rate.low}`)
    assert.ok(Math.abs(Number(rate.high) - high) < 0.000_06, `${count} of ${of}: ${rate.high}`)
  }
  assert.deepEqual(rateOf(0, 0), { count: 0, of: 0, rate: null, low: null, high: null, enough: false })
  assert.deepEqual([rateOf(19, 19).enough, rateOf(20, 20).enough, rateOf(20, 20).high], [false, true, 1])
})

const row = (proposer: string, count: number, of: number) => ({
  proposer,
  ...rateOf(count, of),
  replayed: 0,
  spent_usd: '1',
  cost_per_merged_usd: null,
  median_ms: null,
})
const verdicts = (...rows: ReturnType<typeof row>[]) =>
  compared(rows).map(({ proposer, verdict }) => [proposer, verdict])

test('a proposer leads only where chance does not explain it, and few attempts say nothing', () => {
  assert.deepEqual(verdicts(row('a', 10, 10), row('b', 5, 19)), [
    ['a', 'too_few'],
    ['b', 'too_few'],
  ])
  assert.deepEqual(verdicts(row('a', 10, 10), row('b', 5, 20)), [
    ['b', 'alone'],
    ['a', 'too_few'],
  ])
  assert.deepEqual(verdicts(row('a', 10, 20), row('b', 14, 20)), [
    ['b', 'not_apart'],
    ['a', 'not_apart'],
  ])
  assert.deepEqual(verdicts(row('a', 40, 100), row('b', 80, 100), row('c', 3, 3)), [
    ['b', 'leads'],
    ['a', 'behind'],
    ['c', 'too_few'],
  ])
  assert.deepEqual(verdicts(row('a', 40, 100), row('b', 80, 100), row('c', 78, 100)), [
    ['b', 'not_apart'],
    ['c', 'not_apart'],
    ['a', 'behind'],
  ])
  assert.deepEqual(verdicts(), [])
})

test('an amount for each is exact to six decimals', () => {
  assert.equal(perEach(new Usd(1), 3), '0.333333')
  assert.equal(perEach(new Usd('0.000005'), 10), '0.000001')
  assert.equal(perEach(new Usd(1), 0), null)
})

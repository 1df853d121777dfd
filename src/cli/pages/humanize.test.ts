import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ago, counted, duration, shortId, usd, withLocalTimes } from './humanize.ts'

test('durations are as exact as their size deserves', () => {
  const shown = [0, 12, 99, 100, 2_340, 59_940, 59_960, 192_000, 3_599_600, 7_500_000].map(duration)
  const expected = ['0ms', '12ms', '99ms', '0.1s', '2.3s', '59.9s', '1m 0s', '3m 12s', '1h 0m', '2h 5m']
  assert.deepEqual(shown, expected)
})

test('no duration shows 60 seconds or 60 minutes', () => {
  fc.assert(
    fc.property(fc.nat(90_000_000), (ms) => {
      assert.doesNotMatch(duration(ms), /\b60(\.0)?[sm]\b/)
    }),
  )
})

test('times are told from now', () => {
  const now = new Date('2026-02-10T12:00:00Z')
  const shown = [1_000, 12_000, 180_000, 7_200_000, 345_600_000, 40 * 86_400_000].map((ms) =>
    ago(new Date(now.getTime() - ms), now),
  )
  assert.deepEqual(shown, ['just now', '12s ago', '3m ago', '2h ago', '4d ago', '2026-01-01'])
})

test('a clock that is ahead of ours is just now', () => {
  assert.equal(ago(new Date('2026-02-10T12:00:30Z'), new Date('2026-02-10T12:00:00Z')), 'just now')
})

test('small amounts keep their digits, unknown ones are no zero', () => {
  assert.deepEqual([null, 0, 0.000_01, 0.0042, 1.2].map(usd), ['–', '$0', '<$0.0001', '$0.0042', '$1.20'])
})

test('ids are cut to what one types, counts have their plural', () => {
  assert.equal(shortId('1a2b3c4d-0000-4000-8000-000000000000'), '1a2b3c4d')
  assert.deepEqual([counted(1, 'order'), counted(3, 'order')], ['1 order', '3 orders'])
})

test('times within a text are those of the reader, of another day with the date', () => {
  const now = new Date(2026, 0, 31, 12, 0, 5)
  const yesterday = new Date(2026, 0, 30, 9, 8, 7)
  const text = `since ${now.toISOString()}, until ${yesterday.toISOString()}; 2026-99-99T99:99:99Z`
  assert.equal(withLocalTimes(text, now), 'since 12:00:05, until 2026-01-30 09:08:07; 2026-99-99T99:99:99Z')
})

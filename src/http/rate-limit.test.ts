import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRateLimit } from './rate-limit.ts'

const at = (ms: number) => new Date(1_000_000 + ms)

test('so many at once, then as many a second', () => {
  const limit = createRateLimit({ perSecond: 2, burst: 3 })
  assert.deepEqual(
    [0, 0, 0, 0].map((ms) => limit.take('a', at(ms))),
    [null, null, null, 1],
  )
  assert.equal(limit.take('b', at(0)), null, 'each key has its own')
  assert.deepEqual(
    [500, 500, 1_000].map((ms) => limit.take('a', at(ms))),
    [null, 1, null],
  )
  assert.deepEqual(
    [60_000, 60_000, 60_000, 60_000].map((ms) => limit.take('a', at(ms))),
    [null, null, null, 1],
  )
})

test('asking too early costs nothing, and the answer says how long to wait', () => {
  const limit = createRateLimit({ perSecond: 0.1, burst: 1 })
  assert.equal(limit.take('a', at(0)), null)
  assert.deepEqual(
    [0, 1_000, 9_000].map((ms) => limit.take('a', at(ms))),
    [10, 9, 1],
  )
  assert.equal(limit.take('a', at(10_000)), null)
})

test('a clock that is set back takes nothing away, and gives nothing', () => {
  const limit = createRateLimit({ perSecond: 1, burst: 2 })
  assert.equal(limit.take('a', at(0)), null)
  assert.equal(limit.take('a', at(-60_000)), null)
  assert.equal(limit.take('a', at(-60_000)), 1)
})

test('keys are bounded: the one that was asked for longest ago is forgotten', () => {
  const limit = createRateLimit({ perSecond: 0.001, burst: 1 }, 2)
  for (const key of ['a', 'b', 'a', 'c']) limit.take(key, at(0))
  assert.notEqual(limit.take('a', at(0)), null)
  assert.equal(limit.take('b', at(0)), null)
})

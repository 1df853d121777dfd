import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scaleOf } from '../../web/src/order/timeline-scale.ts'

const HOUR_MS = 3_600_000

test('spans stand to scale, from the first beginning to the last end', () => {
  const spans = [
    { from: 1_000, to: 3_000 },
    { from: 3_000, to: 9_000 },
  ]
  const { place, breaks, ms } = scaleOf(spans, { from: 1_000, to: 11_000 })
  assert.deepEqual(spans.map(place), [
    { left: 0, width: 20 },
    { left: 20, width: 60 },
  ])
  assert.deepEqual([breaks, ms], [[], 10_000])
})

test('a pause longer than everything that was done takes little room, and is told', () => {
  const spans = [
    { from: 0, to: 40_000 },
    { from: HOUR_MS, to: HOUR_MS + 60_000 },
  ]
  const { place, breaks } = scaleOf(spans, { from: 0, to: HOUR_MS + 60_000 })
  const [first, second] = spans.map(place)
  assert.ok(first !== undefined && second !== undefined)
  assert.ok(first.width > 30 && second.width > 50, JSON.stringify([first, second]))
  assert.deepEqual(
    breaks.map(({ ms }) => ms),
    [HOUR_MS - 40_000],
  )
  assert.ok(Math.abs(second.left + second.width - 100) < 1e-9)
})

test('nothing that took time has no width, and nothing is divided by it', () => {
  const { place } = scaleOf([{ from: 5, to: 5 }], { from: 5, to: 5 })
  assert.deepEqual(place({ from: 5, to: 5 }), { left: 0, width: 0 })
})

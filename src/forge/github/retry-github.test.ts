import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../clock.ts'
import { Fault } from '../../faults/fault.ts'
import { pauseAfter, retryGitHub } from './retry-github.ts'

const unreachable = new Fault('github_unreachable', 'down')
const limited = (retryAfterS: number) => new Fault('github_rate_limited', 'too much', { retryAfterS })

test('the pause grows, and chance makes it longer but never twice as long', () => {
  const failures = [1, 2, 3, 4, 5]
  assert.deepEqual(
    failures.map((count) => pauseAfter(unreachable, count, () => 0)),
    [1_000, 2_000, 4_000, 8_000, null],
  )
  assert.deepEqual(
    failures.map((count) => pauseAfter(unreachable, count, () => 0.75)),
    [1_750, 3_500, 7_000, 14_000, null],
  )
})

test('the pause is never shorter than GitHub asks, whatever chance says', () => {
  assert.equal(
    pauseAfter(limited(17), 1, () => 0),
    17_000,
  )
  assert.equal(
    pauseAfter(limited(17), 3, () => 0.5),
    19_000,
  )
  assert.equal(
    pauseAfter(limited(1), 4, () => 0),
    8_000,
  )
})

test('what would fail again is not repeated', () => {
  for (const error of [new Fault('github_forbidden', 'no'), new Error('x'), 'x']) {
    assert.equal(
      pauseAfter(error, 1, () => 0),
      null,
    )
  }
})

test('a pause ends with the attempt', async () => {
  const cancel = new AbortController()
  const fail = () => Promise.reject(limited(60))
  const waiting = retryGitHub({ clock: systemClock, random: () => 0 }, cancel.signal, fail)
  setTimeout(() => cancel.abort(), 10)
  await assert.rejects(waiting, { code: 'attempt_cancelled' })
})

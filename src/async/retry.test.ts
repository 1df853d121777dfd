import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER_ABORTED } from '../clock.ts'
import { repeat, retry } from './retry.ts'

/** A clock that does not wait, and notes how long it was asked to. */
function createClock(afterSleep: () => void = () => {}) {
  const slept: number[] = []
  const sleep = async (ms: number, signal: AbortSignal) => {
    slept.push(ms)
    afterSleep()
    signal.throwIfAborted()
  }
  return { slept, clock: { sleep } }
}

const PAUSES_MS = [10, 20]
const pauseAfter = (_: unknown, times: number) => PAUSES_MS[times - 1] ?? null

test('a result is asked for again until it needs no pause', async () => {
  const { clock, slept } = createClock()
  const results = ['busy', 'busy', 'done', 'never asked for']
  const isBusy = (result: string | undefined, runs: number) => (result === 'busy' ? runs * 5 : null)
  const end = await repeat({ clock, signal: NEVER_ABORTED, pauseAfter: isBusy }, async () => results.shift())
  assert.deepEqual(end, { result: 'done', isStopped: false })
  assert.deepEqual(slept, [5, 10])
})

test('the last failure is thrown when the pauses are used up, and each pause is told before it', async () => {
  const { clock, slept } = createClock()
  const told: unknown[] = []
  let tries = 0
  const failing = retry(
    {
      clock,
      signal: NEVER_ABORTED,
      failureOf: String,
      pauseAfter,
      onPause: (failure, pauseMs) => void told.push([failure, pauseMs, slept.length]),
    },
    () => Promise.reject(new Error(`try ${(tries += 1)}`)),
  )
  await assert.rejects(failing, (thrown) => thrown === 'Error: try 3')
  assert.deepEqual(slept, PAUSES_MS)
  assert.deepEqual(told, [
    ['Error: try 1', 10, 0],
    ['Error: try 2', 20, 1],
  ])
})

test('a signal that ends a pause leaves the last failure, or what the caller gives instead', async () => {
  for (const whenStopped of [undefined, () => 'stopped']) {
    const stop = new AbortController()
    const { clock, slept } = createClock(() => stop.abort())
    const options = { clock, signal: stop.signal, failureOf: String, pauseAfter }
    const failing = retry({ ...options, ...(whenStopped === undefined ? {} : { whenStopped }) }, () =>
      Promise.reject(new Error('away')),
    )
    await assert.rejects(failing, (thrown) => thrown === (whenStopped === undefined ? 'Error: away' : 'stopped'))
    assert.deepEqual(slept, [10])
  }
})

test('once the signal is aborted nothing is tried again or told, and what is worth no repetition is thrown as it is', async () => {
  const { clock, slept } = createClock()
  const stopped = { clock, signal: AbortSignal.abort(), failureOf: String, whenStopped: () => 'stopped' }
  const onPause = () => assert.fail('a pause was told')
  const fail = () => Promise.reject(new Error('away'))
  await assert.rejects(retry({ ...stopped, pauseAfter, onPause }, fail), (thrown) => thrown === 'stopped')
  await assert.rejects(retry({ ...stopped, pauseAfter: () => null }, fail), (thrown) => thrown === 'Error: away')
  assert.deepEqual(slept, [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Settings } from '../db/system-config.ts'
import { createDispatcher } from './dispatcher.ts'

const SETTINGS: Settings = {
  enabled: true,
  maxConcurrent: 1,
  maxPerRepository: 1,
  pauseAfterFailures: 5,
  pollingIntervalMs: 3_600_000,
}

test('disposed, it ends with the look that is under way, and begins no other', async () => {
  const begun = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  let looks = 0
  const dispatcher = createDispatcher({
    readSettings: async () => SETTINGS,
    isStopped: async () => false,
    async claimAndStart() {
      looks += 1
      begun.resolve()
      await held.promise
      return false
    },
    onError: (error) => assert.fail(String(error)),
    now: () => new Date(0),
  })
  await dispatcher.start(null)
  await begun.promise
  dispatcher.wake()
  const end = dispatcher[Symbol.asyncDispose]().then(() => 'disposed')
  const later = new Promise((resolve) => setImmediate(resolve, 'looking'))
  assert.equal(await Promise.race([end, later]), 'looking')
  held.resolve()
  await end
  dispatcher.wake()
  await new Promise(setImmediate)
  assert.equal(looks, 1)
})

test('looks again soon where an order was held up, and then at its interval', async () => {
  let looks = 0
  const again = Promise.withResolvers<void>()
  await using dispatcher = createDispatcher({
    readSettings: async () => SETTINGS,
    isStopped: async () => false,
    async claimAndStart() {
      looks += 1
      if (looks === 2) again.resolve()
      return looks === 1
    },
    onError: (error) => assert.fail(String(error)),
    now: () => new Date(0),
  })
  await dispatcher.start(null)
  await again.promise
  assert.equal(looks, 2)
})

test('looks less and less often while an order stays held up, and soon again once another is', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let looks = 0
  let clock = 0
  let isHeldUp = true
  await using dispatcher = createDispatcher({
    readSettings: async () => SETTINGS,
    isStopped: async () => false,
    async claimAndStart() {
      looks += 1
      return isHeldUp
    },
    onError: (error) => assert.fail(String(error)),
    now: () => new Date(clock),
  })
  const lookedAfter = async (ms: number) => {
    const before = looks
    clock += ms
    t.mock.timers.tick(ms)
    for (let at = 0; at < 5; at += 1) await new Promise(setImmediate)
    return looks - before
  }
  await dispatcher.start(3_000)
  assert.equal(await lookedAfter(0), 1)
  const pauses = [500, 500, 1_000, 2_000, 3_000, 3_000]
  for (const pause of pauses) assert.deepEqual([await lookedAfter(pause - 1), await lookedAfter(1)], [0, 1], `${pause}`)
  isHeldUp = false
  assert.equal(await lookedAfter(3_000), 1)
  isHeldUp = true
  assert.equal(await lookedAfter(3_000), 1)
  assert.deepEqual([await lookedAfter(499), await lookedAfter(1)], [0, 1])
})

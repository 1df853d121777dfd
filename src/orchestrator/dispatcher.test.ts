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

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, NEVER_ABORTED } from '../../clock.ts'
import { createMutationPace } from './gh.ts'

/** Time that only passes where somebody waits for it. */
function createClock(): Clock & { passed: () => number; set: (ms: number) => void } {
  let now = 1_000_000
  return {
    passed: () => now - 1_000_000,
    set: (ms) => {
      now = 1_000_000 + ms
    },
    now: () => new Date(now),
    sleep: async (ms, signal) => {
      await new Promise(setImmediate)
      signal.throwIfAborted()
      now += ms
    },
  }
}

test('mutations of a host run in their order, never two at once, a second apart', async () => {
  const clock = createClock()
  const pace = createMutationPace(clock)
  const noted: string[] = []
  const mutate = (name: string) => async () => {
    noted.push(`${name} begins at ${clock.passed()}`)
    await new Promise(setImmediate)
    clock.set(clock.passed() + 300)
    noted.push(`${name} ends at ${clock.passed()}`)
  }
  await Promise.all(['a', 'b', 'c'].map((name) => pace('github.com', NEVER_ABORTED, mutate(name))))
  clock.set(9_000)
  await pace('github.com', NEVER_ABORTED, mutate('d'))
  assert.deepEqual(noted, [
    'a begins at 0',
    'a ends at 300',
    'b begins at 1300',
    'b ends at 1600',
    'c begins at 2600',
    'c ends at 2900',
    'd begins at 9000',
    'd ends at 9300',
  ])
})

test('a mutation that fails counts like any other and stops no other', async () => {
  const clock = createClock()
  const pace = createMutationPace(clock)
  const failing = pace('github.com', NEVER_ABORTED, () => Promise.reject(new Error('no')))
  const next = pace('github.com', NEVER_ABORTED, async () => clock.passed())
  await assert.rejects(failing, /no/)
  assert.equal(await next, 1_000)
})

test('another host waits for nothing', async () => {
  const pace = createMutationPace(createClock())
  const { promise: forever } = Promise.withResolvers<void>()
  void pace('github.com', NEVER_ABORTED, () => forever)
  assert.equal(await pace('ghe.example', NEVER_ABORTED, async () => 'done'), 'done')
})

test('one that waits for its turn ends at once with its signal; who is behind it still waits for who is ahead', async () => {
  const clock = createClock()
  const pace = createMutationPace(clock)
  const { promise: ahead, resolve: finish } = Promise.withResolvers<void>()
  const first = pace('github.com', NEVER_ABORTED, () => ahead)
  const cancel = new AbortController()
  let began = false
  const second = pace('github.com', cancel.signal, async () => {
    began = true
  })
  let thirdBegan = false
  const third = pace('github.com', NEVER_ABORTED, async () => {
    thirdBegan = true
    return clock.passed()
  })
  cancel.abort()
  await assert.rejects(second, { code: 'attempt_cancelled' })
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
  assert.equal(thirdBegan, false)
  clock.set(5_000)
  finish()
  await first
  assert.equal(await third, 6_000)
  assert.equal(began, false)
})

test('one that waits for the second to pass ends with its signal', async () => {
  const pace = createMutationPace(createClock())
  await pace('github.com', NEVER_ABORTED, async () => {})
  const cancel = new AbortController()
  const waiting = pace('github.com', cancel.signal, async () => {})
  setImmediate(() => cancel.abort())
  await assert.rejects(waiting, { code: 'attempt_cancelled' })
})

test('a clock that is set back holds nothing up for longer than a second', async () => {
  const clock = createClock()
  const pace = createMutationPace(clock)
  clock.set(3_600_000)
  await pace('github.com', NEVER_ABORTED, async () => {})
  clock.set(0)
  await pace('github.com', NEVER_ABORTED, async () => {})
  assert.equal(clock.passed(), 1_000)
})

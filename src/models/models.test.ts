import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../faults/fault.ts'
import { withRetries } from './models.ts'

const overloaded = (retryAfterMs: number | null) =>
  new Fault('model_overloaded', 'busy', { retry_after_ms: retryAfterMs })

/** Runs work that throws the given faults in turn and then answers. */
async function run(
  faults: readonly Error[],
  { signal = new AbortController().signal, once = false }: { signal?: AbortSignal; once?: boolean } = {},
) {
  const waits: number[] = []
  let tries = 0
  const clock = {
    now: () => new Date(0),
    async sleep(ms: number, sleepSignal: AbortSignal) {
      waits.push(ms)
      sleepSignal.throwIfAborted()
    },
  }
  const work = async () => {
    const fault = faults[tries]
    tries += 1
    if (fault !== undefined) throw fault
    return 'answer'
  }
  const result = await withRetries({ clock, once, random: () => 0.5, signal, onRetry: () => {} }, work).catch(
    (error: unknown) => error,
  )
  return { result, waits, tries }
}

test('what passes by itself is tried three times, with growing waits', async () => {
  const third = overloaded(null)
  const { result, waits, tries } = await run([overloaded(null), overloaded(null), third])
  assert.equal(result, third)
  assert.equal(tries, 3)
  assert.deepEqual(waits, [1_500, 3_000])
})

test('where one try is enough there is no second', async () => {
  const fault = overloaded(null)
  const { result, waits, tries } = await run([fault], { once: true })
  assert.equal(result, fault)
  assert.equal(tries, 1)
  assert.deepEqual(waits, [])
})

test('a wait the provider asks for is kept', async () => {
  const { result, waits } = await run([overloaded(7_000)])
  assert.equal(result, 'answer')
  assert.deepEqual(waits, [7_000])
})

test('who asks for more than a minute is not asked again here', async () => {
  const fault = overloaded(60_001)
  const { result, waits, tries } = await run([fault])
  assert.equal(result, fault)
  assert.equal(tries, 1)
  assert.deepEqual(waits, [])
})

test('what does not pass by itself is not repeated', async () => {
  const fault = new Fault('model_key_rejected', 'no')
  const { result, tries } = await run([fault])
  assert.equal(result, fault)
  assert.equal(tries, 1)
})

test('a cancelled wait ends at once with the fault that led to it', async () => {
  const fault = overloaded(null)
  const { result, tries } = await run([fault], { signal: AbortSignal.abort() })
  assert.equal(result, fault)
  assert.equal(tries, 1)
})

test('a database that went away is named, and left to the step, which takes what is booked again', async () => {
  const broken = Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' })
  const { result, tries } = await run([broken])
  assert.ok(result instanceof Fault)
  assert.deepEqual([result.code, tries], ['database_unreachable', 1])
})

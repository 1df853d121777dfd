import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../faults/fault.ts'
import { retryWithPatience } from './retry-with-patience.ts'

const away = () => Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })

/** Runs something that fails so often, on a clock that does not wait. */
async function tried({ failures, failure }: { failures: number; failure: () => Error }, stopAfter = Infinity) {
  const stop = new AbortController()
  const pauses: number[] = []
  let tries = 0
  const clock = {
    now: () => new Date(),
    async sleep(ms: number, signal: AbortSignal) {
      pauses.push(ms)
      if (pauses.length >= stopAfter) stop.abort()
      signal.throwIfAborted()
    },
  }
  const patience = { clock, signal: stop.signal, isWorthRepeating: () => true }
  const result = await retryWithPatience(patience, async () => {
    tries += 1
    if (tries <= failures) throw failure()
    return 'done'
  }).catch((error: unknown) => error)
  return { result, tries, pauses }
}

test('the database is waited for as long as it takes, at most 15 s between two looks', async () => {
  const { result, tries, pauses } = await tried({ failures: 500, failure: away })
  assert.deepEqual([result, tries, pauses.slice(0, 5)], ['done', 501, [200, 1_000, 5_000, 15_000, 15_000]])
  assert.equal(Math.max(...pauses), 15_000)
})

test('anything else is given up after three pauses', async () => {
  const { result, tries } = await tried({ failures: 500, failure: () => new Fault('github_unreachable', 'no') })
  assert.ok(result instanceof Fault)
  assert.deepEqual([result.code, tries], ['github_unreachable', 4])
})

test('who stops the waiting is told what it was for', async () => {
  const { result, tries } = await tried({ failures: 500, failure: away }, 7)
  assert.ok(result instanceof Fault)
  assert.deepEqual([result.code, tries], ['database_unreachable', 7])
})

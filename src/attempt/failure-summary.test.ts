import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureSummary } from './failure-summary.ts'

const told = (message: string) => failureSummary({ code: 'check_failed', message })

test('the same failure is told the same way, however long it took', () => {
  const run = (ms: string, seconds: string) =>
    told(
      `✖ adds (${ms}ms)\nℹ duration_ms ${ms}\n  "duration": ${ms},\nran for ${seconds} s, line 12 of sum.ts, 3 !== 4`,
    )
  assert.equal(run('12.345', '1.5'), run('9.1', '20'))
  assert.match(run('1', '1'), /^check_failed: ✖ adds \(…ms\)\n.*line 12 of sum\.ts, 3 !== 4$/s)
})

test('what is long keeps its start and its end', () => {
  const text = told(`first line\n${'x'.repeat(10_000)}\nAssertionError: the last line`)
  assert.ok(text.length < 6_100)
  assert.match(text, /^check_failed: first line\n.*\n\[…\]\n.*AssertionError: the last line$/s)
})

import type { BaseCheck } from '../contract/base-checks.ts'
import type { CheckResult } from '../ports/execution.ts'
import { isCut } from './output-tail.ts'

/** Lines by which runners that may pass without a test say how many they ran, and how many it is where they name none. */
const COUNTS: readonly (readonly [line: RegExp, tests: number | null])[] = [
  // Node's test runner, and TAP.
  [/^(?:ℹ|#) tests (\d+)$/, null],
  // Jest, Vitest.
  [/^Tests: .{0,200}\b(\d+) total$/, null],
  [/^ *Tests {2}.{0,200}\((\d+)\)$/, null],
  [/^No tests? (?:files? )?found\b/, 0],
  // Mocha.
  [/^ {2}(\d+) passing\b/, null],
  // pytest, unittest.
  [/^(?:=+ )?(\d+) passed\b/, null],
  [/^Ran (\d+) tests? in /, null],
  // Go, Cargo, Maven.
  [/^ok\s+\S+\s.{0,200}\[no tests to run\]$/, 0],
  [/^\?\s+\S+\s+\[no test files\]$/, 0],
  [/^ok\s+\S+\s+(?:\(cached\)|[\d.]+s)/, 1],
  [/^test result: ok\. (\d+) passed/, null],
  [/^(?:\[\w+\] )?Tests run: (\d+)/, null],
]

/** How many tests an output says were run; null: it says nothing of any. */
export function testsRun(output: string): number | null {
  const counts = output.split('\n').flatMap((line) => {
    for (const [pattern, stated] of COUNTS) {
      const found = pattern.exec(line.trimEnd())
      if (found !== null) return [stated === null ? Number(found[1]) : stated]
    }
    return []
  })
  return counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0)
}

/**
 * Why a check that passed says nothing of a change: it ran no test, and ran some on the base. Many runners pass where they
 * find none, as after the last one was moved to where they do not look. Of an output whose beginning was left out it cannot be
 * told: tests may have been counted there.
 */
export function testsLost(
  { outcome, outputTail }: Pick<CheckResult, 'outcome' | 'outputTail'>,
  before: Pick<BaseCheck, 'outcome' | 'output_tail'>,
): string | null {
  if (outcome !== 'passed' || before.outcome !== 'passed' || isCut(outputTail)) return null
  if (testsRun(outputTail) !== 0) return null
  const known = testsRun(before.output_tail)
  return known === null || known === 0 ? null : `ran no test. On the base it ran ${known}.`
}

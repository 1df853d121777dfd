import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'

/**
 * A program the test needs beside Moose. Where it is missing the test is skipped aloud; in CI that is a failure.
 *
 * @returns null when the test was skipped
 */
export function toolOrSkip(t: TestContext, name: string): string | null {
  if (spawnSync(name, ['--version']).error === undefined) return name
  if (process.env['CI'] === 'true') throw new Error(`${name} is missing, and in CI that is a failure`)
  t.skip(`${name} is not installed`)
  return null
}

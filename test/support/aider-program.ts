import { existsSync } from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'

const FOLDER = path.join(import.meta.dirname, '../../.moose/test-aider')

/**
 * The Aider that scripts/setup-aider.ts installs. Where it is missing the test is skipped aloud; in CI that is a
 * failure.
 *
 * @returns its absolute path; null when the test was skipped
 */
export function aiderOrSkip(t: TestContext): string | null {
  const program = path.join(FOLDER, 'bin', 'aider')
  if (existsSync(path.join(FOLDER, 'moose-requirements.sha256'))) return program
  const missing = 'Aider is not installed; run: node scripts/setup-aider.ts'
  if (process.env['CI'] === 'true') throw new Error(`${missing} (in CI that is a failure)`)
  t.skip(missing)
  return null
}

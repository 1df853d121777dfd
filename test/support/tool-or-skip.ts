import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'
import { isAiderInstalled } from './aider-program.ts'

/**
 * For the option `skip` of a test: which of the programs it needs beside Moose are not here, or false. In CI a missing
 * program is a failure instead.
 *
 * @param names in the PATH; `aider` is the one scripts/setup-aider.ts installs
 */
export function lacking(...names: readonly string[]): string | false {
  const missing = names.filter((name) => !isHere(name))
  if (missing.length === 0) return false
  const said = `not installed: ${missing.join(', ')}; scripts/setup-tools and scripts/setup-aider.ts install what tests need`
  if (process.env['CI'] === 'true') throw new Error(`${said} (in CI that is a failure)`)
  return said
}

/** As `lacking`, within a test. @returns null when the test was skipped */
export function toolOrSkip(t: TestContext, name: string): string | null {
  const missing = lacking(name)
  if (missing === false) return name
  t.skip(missing)
  return null
}

function isHere(name: string): boolean {
  return name === 'aider' ? isAiderInstalled() : spawnSync(name, ['--version']).error === undefined
}

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { isAiderInstalled } from './aider-program.ts'

/** Where scripts/setup-package-managers puts pnpm, yarn, uv and poetry: for the PATH of what is tested with them. */
export const PACKAGE_MANAGERS = path.join(import.meta.dirname, '../../.moose/test-tools/bin')

/**
 * For the option `skip` of a test: which of the programs it needs beside Moose are not here, or false. In CI a missing
 * program is a failure instead.
 *
 * @param names in the PATH or in `PACKAGE_MANAGERS`; `aider` is the one scripts/setup-aider.ts installs
 */
export function lacking(...names: readonly string[]): string | false {
  const missing = names.filter((name) => !isHere(name))
  if (missing.length === 0) return false
  return notHere(
    `not installed: ${missing.join(', ')}; scripts/setup-tools, setup-package-managers and setup-aider.ts install what tests need`,
  )
}

/** For the option `skip` of a test: what is not here, though every machine of CI can have it. In CI that is a failure. */
export function notHere(said: string): string {
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
  if (name === 'aider') return isAiderInstalled()
  return existsSync(path.join(PACKAGE_MANAGERS, name)) || spawnSync(name, ['--version']).error === undefined
}

import { existsSync } from 'node:fs'
import path from 'node:path'

const FOLDER = path.join(import.meta.dirname, '../../.moose/test-aider')

/** Absolute path of the Aider that scripts/setup-aider.ts installs. */
export const AIDER = path.join(FOLDER, 'bin', 'aider')

/** Whether that installation was finished. */
export function isAiderInstalled(): boolean {
  return existsSync(path.join(FOLDER, 'moose-requirements.sha256'))
}

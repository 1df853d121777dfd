import { rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CommandResult } from '../process/run-command.ts'

const PAUSES_MS = [50, 100, 200, 400, 800, 1_600]
/** git holds a lock on a ref for milliseconds; one this old was left by a process that was killed. */
const ABANDONED_AFTER_MS = 10 * 60_000

const LOCK_FILE =
  /Unable to create '([^'\n]+)\.lock': File exists|could not lock config file ((?:(?!could not lock)[^\n])+): File exists/
const LOCK_LOST = /cannot lock ref|could not lock config file|Unable to create '[^'\n]+\.lock': File exists/

/**
 * Repeats a git command that met the lock of another process, for about three seconds. A lock left by a killed
 * process is removed; only below `gitDir`.
 *
 * @returns the last result, whatever it is
 */
export async function patientWithLocks(gitDir: string, run: () => Promise<CommandResult>): Promise<CommandResult> {
  for (const pauseMs of PAUSES_MS) {
    const result = await run()
    const said = result.stderr.text()
    if (result.exitCode === 0 || !LOCK_LOST.test(said)) return result
    const [, lockedFile, lockedConfig] = LOCK_FILE.exec(said) ?? []
    const locked = lockedFile === undefined ? lockedConfig : lockedFile
    if (locked !== undefined) await removeAbandoned(gitDir, path.resolve(gitDir, `${locked}.lock`))
    await sleep(pauseMs)
  }
  return await run()
}

async function removeAbandoned(gitDir: string, lockFile: string): Promise<void> {
  if (!lockFile.startsWith(gitDir + path.sep)) return
  const found = await stat(lockFile, { throwIfNoEntry: false })
  if (found === undefined || Date.now() - found.mtimeMs < ABANDONED_AFTER_MS) return
  await rm(lockFile, { force: true })
}

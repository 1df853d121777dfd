import { rm } from 'node:fs/promises'
import path from 'node:path'
import { repeat } from '../async/retry.ts'
import { NEVER_ABORTED, systemClock } from '../clock.ts'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import { namesIn } from '../files/names-in.ts'
import type { CommandResult } from '../process/run-command.ts'

const PAUSES_MS = [50, 100, 200, 400, 800, 1_600]
/** git holds a lock for milliseconds; one this old was left by a process that was killed. */
export const LOCK_ABANDONED_AFTER_MS = 10 * 60_000

const LOCK_FILE =
  /Unable to create '([^'\n]+)\.lock': File exists|could not lock config file ((?:(?!could not lock)[^\n])+): File exists/
const LOCK_LOST = /cannot lock ref|could not lock config file|Unable to create '[^'\n]+\.lock': File exists/

/**
 * Repeats a git command that met the lock of another process, for about three seconds. A lock left by a killed
 * process is removed; only below `gitDir`.
 *
 * @returns the last result, whatever it is
 */
export async function retryLocked(gitDir: string, run: () => Promise<CommandResult>): Promise<CommandResult> {
  const { result } = await repeat<CommandResult>(
    {
      clock: systemClock,
      signal: NEVER_ABORTED,
      pauseAfter: (given, runs) => (hasMetLock(given) ? pauseMsAfter(runs) : null),
      onPause: (given) => removeNamedLock(gitDir, given),
    },
    run,
  )
  return result
}

function pauseMsAfter(runs: number): number | null {
  const pauseMs = PAUSES_MS[runs - 1]
  return pauseMs === undefined ? null : pauseMs
}

function hasMetLock({ exitCode, stderr }: CommandResult): boolean {
  return exitCode !== 0 && LOCK_LOST.test(stderr.text())
}

/** Removes the lock that git names, if it is abandoned and lies below `gitDir`. */
async function removeNamedLock(gitDir: string, { stderr }: CommandResult): Promise<void> {
  const [, lockedFile, lockedConfig] = LOCK_FILE.exec(stderr.text()) ?? []
  const locked = lockedFile === undefined ? lockedConfig : lockedFile
  if (locked === undefined) return
  const lockFile = path.resolve(gitDir, `${locked}.lock`)
  if (!lockFile.startsWith(gitDir + path.sep)) return
  const found = await lstatOrNull(lockFile)
  if (found === null || Date.now() - found.mtimeMs < LOCK_ABANDONED_AFTER_MS) return
  await rm(lockFile, { force: true })
}

/** Every lock below the folder of a repository, but for those among its objects. */
export async function locksBelow(folder: string): Promise<string[]> {
  const locks: string[] = []
  for (const name of await namesIn(folder)) {
    const place = path.join(folder, name)
    const found = await lstatOrNull(place)
    if (found?.isDirectory() === true && name !== 'objects') locks.push(...(await locksBelow(place)))
    else if (found?.isFile() === true && name.endsWith('.lock')) locks.push(place)
  }
  return locks
}

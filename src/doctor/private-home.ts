import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { closeToOthers } from '../files/close-to-others.ts'
import { lstatOrNull } from '../files/lstat-or-null.ts'

/** Where embedded databases lie in a home: its own, and that of the demo. */
const DATABASES = ['postgres', 'demo/home/postgres']

const STICKY = 0o1000

export type HomeMode = {
  /** Its permission bits. */
  mode: number
  /** Those it should have: 0o700, or 0o711 where another user must pass through to a database in it. */
  wanted: number
}

/** How open a home is, and may be. */
export async function homeMode(home: string): Promise<HomeMode> {
  const { mode, uid } = await stat(home)
  const owners = await Promise.all(DATABASES.map(async (folder) => (await lstatOrNull(path.join(home, folder)))?.uid))
  const isPassed = owners.some((owner) => owner !== undefined && owner !== uid)
  return { mode: mode & 0o7777, wanted: isPassed ? 0o711 : 0o700 }
}

/**
 * Closes a home to other users. A shared folder is not closed: one in which every user may write (as /tmp), or one right
 * below the root; `moose doctor` names such folders, and those of another user.
 */
export async function closeHome(home: string): Promise<void> {
  const { mode, wanted } = await homeMode(home)
  const parent = path.dirname(await realpath(home))
  if ((mode & STICKY) === 0 && parent !== path.dirname(parent)) await closeToOthers(home, wanted)
}

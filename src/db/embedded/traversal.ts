import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { RunAs } from '../../process/daemon.ts'

type Access = 'search' | 'read'
const BITS: Record<Access, number> = { search: 0o1, read: 0o4 }

/** Whether the user may enter the folder and everything above it. The folder must exist. */
export async function canReach(folder: string, user: NonNullable<RunAs>): Promise<boolean> {
  for (let at = folder; ; at = path.dirname(at)) {
    if (!(await allows(at, user, 'search'))) return false
    if (at === path.dirname(at)) return true
  }
}

/** Whether the mode of one file or folder grants the user this access. */
export async function allows(at: string, user: NonNullable<RunAs>, access: Access): Promise<boolean> {
  const { mode, uid, gid } = await stat(at)
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0
  return (mode & (BITS[access] << shift)) !== 0
}

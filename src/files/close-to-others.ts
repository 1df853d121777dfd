import { chmod, stat } from 'node:fs/promises'
import { errorCode } from '../faults/error-code.ts'

/** Of folders and files of another user, or where nothing can be changed. */
const NOT_OURS: ReadonlySet<string | null> = new Set(['EPERM', 'EACCES', 'EROFS', 'ENOTSUP'])

/**
 * Takes from a file or folder what its group and all others may do with it.
 *
 * @param most the widest mode it may have, e.g. 0o600; a narrower one stays
 * @returns the permission bits it has afterwards: wider ones where it is not ours to change
 */
export async function closeToOthers(place: string, most: number): Promise<number> {
  const before = (await stat(place)).mode & 0o7777
  const after = before & (most | 0o700)
  if (before === after) return before
  try {
    await chmod(place, after)
    return after
  } catch (error) {
    if (NOT_OURS.has(errorCode(error))) return before
    throw error
  }
}

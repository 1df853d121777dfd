import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'

/** What stands there, a link as itself; null when there is nothing. */
export async function lstatOrNull(place: string | Buffer): Promise<Stats | null> {
  try {
    return await lstat(place)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { isMissing } from '../faults/error-code.ts'

/** What stands there, a link as itself; null when there is nothing. */
export async function lstatOrNull(place: string | Buffer): Promise<Stats | null> {
  try {
    return await lstat(place)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

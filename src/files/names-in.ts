import { readdir } from 'node:fs/promises'
import { errorCode } from '../faults/error-code.ts'

const NOT_LISTED: ReadonlySet<string | null> = new Set(['ENOENT', 'ENOTDIR', 'EACCES'])

/** What stands in a folder; nothing for one that is not there, is no folder or may not be read. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isNotListed(error)) return []
    throw error
  }
}

/** Of a folder that is not there, is none or may not be read. */
export function isNotListed(error: unknown): boolean {
  return NOT_LISTED.has(errorCode(error))
}

import { randomUUID } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { isMissing } from '../faults/error-code.ts'
import { namesIn } from '../files/names-in.ts'
import { removeTree } from '../sandbox/remove-tree.ts'
import { folderBytes } from './folder-bytes.ts'
import type { Leftover } from './leftover.ts'

const folderOf = (home: string): string => path.join(home, 'removed')

/**
 * Takes a folder of the home away in one move, so that no process ever sees half of it. Deleting what was moved can take as
 * long as it likes.
 *
 * @returns where it is now; null when it was not there
 */
export async function putAside(home: string, folder: string): Promise<string | null> {
  const aside = path.join(folderOf(home), randomUUID())
  await mkdir(folderOf(home), { recursive: true, mode: 0o700 })
  try {
    await rename(folder, aside)
    return aside
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** What was put aside by a process that ended before it was deleted. */
export async function forgottenAside(home: string): Promise<Leftover[]> {
  const found = (await namesIn(folderOf(home))).map(async (name): Promise<Leftover> => {
    const place = path.join(folderOf(home), name)
    return {
      kind: 'removed files',
      name,
      bytes: await folderBytes(place),
      async remove() {
        await removeTree(place)
        return true
      },
    }
  })
  return Promise.all(found)
}

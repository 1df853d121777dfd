import { chmod, lstat, readdir, rm } from 'node:fs/promises'
import { Fault } from '../faults/fault.ts'
import { inTree } from './find-in-tree.ts'

/**
 * Removes a folder with all that foreign code may have left in it: read-only folders are opened first, symbolic links
 * are removed and never followed. A folder that is not there is fine.
 *
 * @param folder as bytes where its name may be no text
 * @throws {Fault} `internal` when something in it cannot be removed (another user's file, a mount)
 */
export async function removeTree(folder: string | Buffer): Promise<void> {
  try {
    await remove(folder)
  } catch {
    // Most often a folder without write permission; the second attempt tells when it was something else.
    await makeWritable(folder)
    await remove(folder).catch((error: unknown) => {
      const message = `The folder ${String(folder)} cannot be removed. Remove it by hand; Moose makes it anew when needed.`
      throw new Fault('internal', message, { folder: String(folder) }, error)
    })
  }
}

async function remove(folder: string | Buffer): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 4, retryDelay: 50 })
}

/** Gives the owner all rights on every folder below, so that it can be listed and emptied. */
export async function makeWritable(folder: string | Buffer): Promise<void> {
  const found = await lstat(folder).catch(() => null)
  if (found === null || !found.isDirectory()) return
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    if (entry.isDirectory()) await makeWritable(inTree(folder, entry.name))
  }
}

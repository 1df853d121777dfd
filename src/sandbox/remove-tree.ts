import { chmod, lstat, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { Fault } from '../faults/fault.ts'

/**
 * Removes a folder with all that foreign code may have left in it: read-only folders are opened first, symbolic links
 * are removed and never followed. A folder that is not there is fine.
 *
 * @throws {Fault} `internal` when something in it cannot be removed (another user's file, a mount)
 */
export async function removeTree(folder: string): Promise<void> {
  try {
    await remove(folder)
  } catch {
    // Most often a folder without write permission; the second attempt tells when it was something else.
    await makeWritable(folder)
    await remove(folder).catch((error: unknown) => {
      const message = `The folder ${folder} cannot be removed. Remove it by hand; Moose makes it anew when needed.`
      throw new Fault('internal', message, { folder }, error)
    })
  }
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 4, retryDelay: 50 })
}

/** Gives the owner all rights on every folder below, so that it can be listed and emptied. */
export async function makeWritable(folder: string): Promise<void> {
  const found = await lstat(folder).catch(() => null)
  if (found === null || !found.isDirectory()) return
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(path.join(folder, entry.name))
  }
}

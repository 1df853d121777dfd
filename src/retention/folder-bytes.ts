import path from 'node:path'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import { namesIn } from '../files/names-in.ts'

/** What a folder and all below it take on disk; 0 for one that is not there. Links are not followed. */
export async function folderBytes(folder: string): Promise<number> {
  const found = await lstatOrNull(folder)
  if (found === null) return 0
  if (!found.isDirectory()) return found.blocks * 512
  let bytes = found.blocks * 512
  for (const name of await namesIn(folder)) bytes += await folderBytes(path.join(folder, name))
  return bytes
}

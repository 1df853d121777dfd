import { constants, open, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { Fault } from '../../faults/fault.ts'
import { treeEntry } from './tree-entry.ts'

/** A regular file of a work tree. */
export type TreeFile = {
  content: Buffer
  /** Permission bits. */
  mode: number
}

/**
 * Reads a file of a work tree without following links.
 *
 * @param path a path from the root that `pathProblem` accepts
 * @returns null when there is no file; a folder is no file
 * @throws {Fault} `scope_unreadable` for a link (also as a folder of the path) and for a device, socket or pipe
 */
export async function readTreeFile(root: string, path: string): Promise<TreeFile | null> {
  const entry = await treeEntry(root, path)
  if (entry === null || entry.isDirectory()) return null
  if (!entry.isFile()) throw new Fault('scope_unreadable', `"${path}" is no regular file.`, { path })
  await using file = await open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  return { content: await file.readFile(), mode: entry.mode & 0o777 }
}

/**
 * The paths of what lies in a folder of a work tree and in those below it and is no folder, links included: none is followed.
 *
 * @param folder a path from the root that `pathProblem` accepts, with a slash at its end
 * @throws {Fault} `scope_unreadable` for a link on the way
 */
export async function filesBelow(root: string, folder: string): Promise<string[]> {
  const entry = await treeEntry(root, folder.slice(0, -1))
  if (entry === null || !entry.isDirectory()) return []
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true })
  return entries.filter((one) => !one.isDirectory()).map((one) => relative(root, join(one.parentPath, one.name)))
}

import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../faults/fault.ts'

/**
 * What stands at a path of a work tree, without ever following a link.
 *
 * Names are compared with those of the folder, so that a file system that ignores case or Unicode normalization does
 * not hand out another file than the one that is named.
 *
 * @param root absolute path of the work tree, trusted
 * @param path a path from the root that `pathProblem` accepts
 * @returns null when nothing of this name is there
 * @throws {Fault} `scope_unreadable` when the path or a folder of it is a symbolic link
 */
export async function treeEntry(root: string, path: string): Promise<Stats | null> {
  const segments = path.split('/')
  let entry: Stats | null = null
  for (const [index, segment] of segments.entries()) {
    const folder = join(root, ...segments.slice(0, index))
    if (!(await readdir(folder)).includes(segment)) return null
    entry = await lstat(join(folder, segment))
    const name = segments.slice(0, index + 1).join('/')
    if (entry.isSymbolicLink()) throw linkRefused(name)
    if (index < segments.length - 1 && !entry.isDirectory()) return null
  }
  return entry
}

/**
 * The name in a folder that some file systems take for another one: it differs only in case or Unicode normalization.
 * Null when there is none.
 */
export async function twinName(folder: string, name: string): Promise<string | null> {
  const names = await readdir(folder)
  const twin = names.find((other) => other !== name && folded(other) === folded(name))
  return twin === undefined ? null : twin
}

function folded(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

function linkRefused(path: string): Fault {
  const message = `"${path}" is a symbolic link; links are neither followed nor changed. Name the file it points to, if that is in the repository.`
  return new Fault('scope_unreadable', message, { path })
}

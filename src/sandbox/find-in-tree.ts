import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'

const GIT = Buffer.from('.git')

/**
 * What is wanted below a folder of a work tree, without looking into what was found, through a link or into git's own
 * folder. Names are bytes: not every name is text, and one that is not could not be opened again.
 *
 * @param folder from the root of the tree; empty: the root
 * @param wanted told of every entry and its name from the root
 * @returns names from the root, in no order
 */
export async function findInTree(
  tree: string,
  folder: string,
  wanted: (entry: Dirent<Buffer>, name: Buffer) => boolean,
): Promise<Buffer[]> {
  const found: Buffer[] = []
  const folders: Buffer[] = [Buffer.from(folder)]
  while (folders.length > 0) {
    // Some at a time: one after the other mostly waits, and all at once would hold a handle for every folder.
    const some = folders.splice(-FOLDERS_AT_ONCE)
    const listings = await Promise.all(some.map((at) => entriesOf(tree, at)))
    for (const { entry, name } of listings.flat()) {
      if (name.equals(GIT)) continue
      if (wanted(entry, name)) found.push(name)
      else if (entry.isDirectory()) folders.push(name)
    }
  }
  return found
}

const FOLDERS_AT_ONCE = 16
const SLASH = Buffer.from('/')

async function entriesOf(tree: string, folder: Buffer): Promise<{ entry: Dirent<Buffer>; name: Buffer }[]> {
  const entries = await readdir(inTree(tree, folder), { withFileTypes: true, encoding: 'buffer' })
  return entries.map((entry) => {
    return { entry, name: folder.length === 0 ? entry.name : Buffer.concat([folder, SLASH, entry.name]) }
  })
}

/** The absolute path of a name from the root. */
export function inTree(tree: string | Buffer, name: Buffer): Buffer {
  return Buffer.concat([typeof tree === 'string' ? Buffer.from(tree) : tree, SLASH, name])
}

/**
 * Repositories that foreign code has made below the root of a work tree, where git would look into them and obey their
 * configuration: a filter of theirs runs when the tree is added. A checkout has none.
 *
 * @param caches folders that are not looked into: git does not either
 */
export async function plantedRepositories(tree: string, caches: readonly string[]): Promise<Buffer[]> {
  const passedOver = new Set(caches)
  const isCache = (name: Buffer) => passedOver.size > 0 && passedOver.has(name.toString())
  const found = await findInTree(tree, '', (entry, name) => /^\.git$/i.test(entry.name.toString()) || isCache(name))
  return found.filter((name) => !isCache(name))
}

/**
 * Pipes and sockets below the root of a work tree. git sees none of them, and a program that reads one waits.
 *
 * @param caches folders that are not looked into
 */
export async function pipesAndSockets(tree: string, caches: readonly string[]): Promise<Buffer[]> {
  const passedOver = new Set(caches)
  const found = await findInTree(
    tree,
    '',
    (entry, name) => entry.isFIFO() || entry.isSocket() || (passedOver.size > 0 && passedOver.has(name.toString())),
  )
  return found.filter((name) => !passedOver.has(name.toString()))
}

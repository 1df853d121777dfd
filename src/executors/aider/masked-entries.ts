import { lstat, mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Names in the root of a tree that Aider reads as its configuration, whatever its flags say. */
export function isAiderConfig(name: string): boolean {
  return /^\.env$|^\.aider/i.test(name)
}

/** What was taken out of a tree for the time of a run. */
export type Mask = {
  /** Puts everything back. @returns paths where something else stands now; there the original is given up */
  putBack(): Promise<string[]>
}

/**
 * Takes out of the tree what must not be there while Aider works: the configuration it would obey (`.env`, `.aider*`),
 * symbolic links it would write through, and the folder `.git`, for which a file stands in that points beside the
 * tree, so that no edit reaches git's configuration or hooks.
 *
 * @param aside an empty folder on the same file system
 * @param clone where git's folder is moved to
 */
export async function maskTree(tree: string, aside: string, clone: string): Promise<Mask> {
  const hidden = [...(await configs(tree)), ...(await links(tree, ''))]
  await mkdir(aside, { recursive: true, mode: 0o700 })
  for (const [index, name] of hidden.entries()) await rename(path.join(tree, name), path.join(aside, String(index)))
  await rename(path.join(tree, '.git'), clone)
  await writeFile(path.join(tree, '.git'), `gitdir: ${clone}\n`)
  return {
    async putBack() {
      const taken: string[] = []
      for (const [index, name] of hidden.entries()) {
        if (await exists(path.join(tree, name))) taken.push(name)
        else {
          await mkdir(path.dirname(path.join(tree, name)), { recursive: true })
          await rename(path.join(aside, String(index)), path.join(tree, name))
        }
      }
      return taken
    },
  }
}

async function configs(tree: string): Promise<string[]> {
  return (await readdir(tree)).filter(isAiderConfig)
}

async function links(tree: string, folder: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(path.join(tree, folder), { withFileTypes: true })) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (name === '.git' || (folder === '' && isAiderConfig(name))) continue
    if (entry.isSymbolicLink()) found.push(name)
    else if (entry.isDirectory()) found.push(...(await links(tree, name)))
  }
  return found
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  )
}

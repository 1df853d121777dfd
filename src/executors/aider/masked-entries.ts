import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { lstatOrNull } from '../../files/lstat-or-null.ts'
import { findInTree, inTree, plantedRepositories } from '../../sandbox/find-in-tree.ts'
import { isInScope } from '../../work-order/scope.ts'

/** Names in the root of a tree that Aider reads as its configuration, whatever its flags say. */
export function isAiderConfig(name: string): boolean {
  return /^\.env$|^\.aider/i.test(name)
}

function isIgnoreFile(name: string): boolean {
  return /(^|\/)\.gitignore$/.test(name)
}

/** What was taken out of a tree for the time of a run. */
export type Mask = {
  /** What was taken out, beside git's folder; from the root. */
  readonly hidden: readonly string[]
  /**
   * Puts everything back.
   *
   * @returns what must not be there: paths where something else stands now (the original is given up) and folders
   *   `.git`. No git may look at the tree then: it would read the configuration of a repository that a run has planted
   */
  putBack(): Promise<string[]>
}

/**
 * Takes out of the tree what must not be there while Aider works: the configuration it would obey (`.env`, `.aider*`),
 * symbolic links it would write through, and the folder `.git`, for which a file stands in that points beside the
 * tree, so that no edit reaches git's configuration or hooks. So are the `.gitignore` files that are not in scope:
 * Aider makes no file they name, and what is in scope may be made.
 *
 * @param places `aside`: an empty folder on the same file system; `clone`: where git's folder is moved to
 */
export async function maskTree(
  tree: string,
  scope: readonly string[],
  { aside, clone }: { aside: string; clone: string },
): Promise<Mask> {
  const hidden = await findInTree(tree, '', (entry, bytes) => {
    const name = bytes.toString()
    return entry.isSymbolicLink() || isAiderConfig(name) || (isIgnoreFile(name) && !isInScope(name, scope))
  })
  await mkdir(aside, { recursive: true, mode: 0o700 })
  for (const [index, name] of hidden.entries()) await rename(inTree(tree, name), path.join(aside, String(index)))
  await rename(path.join(tree, '.git'), clone)
  await writeFile(path.join(tree, '.git'), `gitdir: ${clone}\n`)
  return {
    hidden: hidden.map(String),
    async putBack() {
      const taken: Buffer[] = []
      for (const [index, name] of hidden.entries()) {
        if ((await lstatOrNull(inTree(tree, name))) !== null) taken.push(name)
        else await rename(path.join(aside, String(index)), inTree(tree, name))
      }
      const planted = await plantedRepositories(tree, [])
      return [...taken, ...planted].map(String)
    },
  }
}

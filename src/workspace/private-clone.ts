import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Git } from '../git/git.ts'
import { EXACT_BYTES } from '../git/mirror-files.ts'
import { removeTree } from '../sandbox/remove-tree.ts'

/**
 * Makes the repository foreign code finds in a work tree, in place of any that is there. It borrows the mirror's
 * objects instead of copying them, and so tells where the mirror is; that is why the mirror distrusts its own files
 * (`putBackMirrorFiles`).
 *
 * @param clone absolute paths, and the commit its detached HEAD stands at
 */
export async function makePrivateClone(
  git: Git,
  clone: { tree: string; mirrorDir: string; index: string; head: string },
): Promise<void> {
  const gitDir = path.join(clone.tree, '.git')
  await removeTree(gitDir)
  await git.succeed(['init', '--quiet', '--template=', '--', clone.tree], { signal: null })
  await mkdir(path.join(gitDir, 'objects', 'info'), { recursive: true })
  await writeFile(path.join(gitDir, 'objects', 'info', 'alternates'), `${path.join(clone.mirrorDir, 'objects')}\n`)
  await mkdir(path.join(gitDir, 'info'), { recursive: true })
  // As in the mirror, or its `git status` would call files changed that are not.
  await writeFile(path.join(gitDir, 'info', 'attributes'), EXACT_BYTES)
  await writeFile(path.join(gitDir, 'HEAD'), `${clone.head}\n`)
  await copyFile(clone.index, path.join(gitDir, 'index'))
}

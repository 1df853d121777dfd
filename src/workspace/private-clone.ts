import { constants, copyFile, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { EXACT_BYTES, gitConfig } from '../git/mirror-files.ts'
import { removeTree } from '../sandbox/remove-tree.ts'

/**
 * Makes the repository foreign code finds in a work tree, in place of any that is there. It borrows the mirror's
 * objects instead of copying them, and so tells where the mirror is; that is why the mirror distrusts its own files
 * (`putBackMirrorFiles`). Written file by file, as `git init` would: no process is needed for it.
 *
 * @param clone absolute paths, and the commit its detached HEAD stands at
 * @see https://git-scm.com/docs/gitrepository-layout
 */
export async function makePrivateClone(clone: {
  tree: string
  mirrorDir: string
  index: string
  head: string
}): Promise<void> {
  const gitDir = path.join(clone.tree, '.git')
  await removeTree(gitDir)
  for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info'])
    await mkdir(path.join(gitDir, folder), { recursive: true })
  await writeFile(path.join(gitDir, 'config'), gitConfig({ bare: false }))
  await writeFile(path.join(gitDir, 'objects', 'info', 'alternates'), `${path.join(clone.mirrorDir, 'objects')}\n`)
  // As in the mirror, or its `git status` would call files changed that are not.
  await writeFile(path.join(gitDir, 'info', 'attributes'), EXACT_BYTES)
  await writeFile(path.join(gitDir, 'HEAD'), `${clone.head}\n`)
  await copyFile(clone.index, path.join(gitDir, 'index'), constants.COPYFILE_FICLONE)
}

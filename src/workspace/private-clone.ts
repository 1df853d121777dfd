import { constants, copyFile, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Mirror } from '../git/mirror.ts'
import { EXACT_BYTES, gitConfig } from '../git/mirror-files.ts'
import { branchRef } from '../git/ref-names.ts'
import { parseRepositoryUrl } from '../git/repository-url.ts'
import { removeTree } from '../sandbox/remove-tree.ts'
import type { Project } from '../work-order/project.ts'

/** Absolute paths, and what the clone says of itself. */
type Clone = {
  tree: string
  index: string
  /** The commit its detached HEAD stands at. */
  head: string
  project: Project
  /** What the base branch and `origin/<base>` stand at; null: where the base branch stood when it was last fetched. */
  base: string | null
  /** Folders of the tree that its git does not call untracked. */
  caches: readonly string[]
}

/**
 * Makes the repository foreign code finds in a work tree, in place of any that is there. It is like a clone of the project's
 * repository: with its tags, the base branch, `origin/<base>` and its URL, which a relative submodule is found by. It
 * borrows the mirror's objects instead of copying them, and so tells where the mirror is; that is why the mirror distrusts
 * its own files (`putBackMirrorFiles`). Written file by file, as git would: no process is needed for it.
 *
 * @see https://git-scm.com/docs/gitrepository-layout
 */
export async function makePrivateClone(mirror: Mirror, clone: Clone): Promise<void> {
  const { tree, index, head, project, caches } = clone
  const gitDir = path.join(tree, '.git')
  await removeTree(gitDir)
  const folders = ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'refs/remotes/origin', 'info']
  await Promise.all(folders.map((folder) => mkdir(path.join(gitDir, folder), { recursive: true })))
  const base = branchRef(project.defaultBranch)
  const originBase = base.replace('refs/heads/', 'refs/remotes/origin/')
  const files: Readonly<Record<string, string>> = {
    config: gitConfig({ bare: false }) + remoteConfig(project),
    'objects/info/alternates': `${mirror.objects}\n`,
    // As in the mirror, or its `git status` would call files changed that are not.
    'info/attributes': EXACT_BYTES,
    'info/exclude': caches.map((cache) => `${ignorePattern(cache)}\n`).join(''),
    HEAD: `${head}\n`,
    'refs/remotes/origin/HEAD': `ref: ${originBase}\n`,
    'packed-refs': packedRefs(await mirror.packedRefs(), { ...clone, base, originBase, at: clone.base }),
  }
  await Promise.all([
    ...Object.entries(files).map(([name, content]) => writeFile(path.join(gitDir, name), content)),
    copyFile(index, path.join(gitDir, 'index'), constants.COPYFILE_FICLONE),
  ])
}

/** Sorted by name, as the first line says; a tag of a tag is followed by the object it comes to. */
function packedRefs(
  known: string,
  { head, base, originBase, at }: { head: string; base: string; originBase: string; at: string | null },
): string {
  const lines = known.split('\n')
  const tags = lines.findIndex((line) => line.slice(41).startsWith('refs/tags/'))
  const [fetched] = lines.filter((line) => line.slice(41) === base)
  const sha = at === null ? (fetched === undefined ? head : fetched.slice(0, 40)) : at
  return [
    '# pack-refs with: peeled fully-peeled sorted ',
    `${sha} ${base}`,
    `${sha} ${originBase}`,
    ...(tags === -1 ? [''] : lines.slice(tags)),
  ].join('\n')
}

function remoteConfig({ repository, defaultBranch }: Project): string {
  return [
    '[remote "origin"]',
    `\turl = ${quoted(parseRepositoryUrl(repository).url)}`,
    '\tfetch = +refs/heads/*:refs/remotes/origin/*',
    `[branch ${quoted(defaultBranch)}]`,
    '\tremote = origin',
    `\tmerge = ${quoted(branchRef(defaultBranch))}`,
    '',
  ].join('\n')
}

/** @see https://git-scm.com/docs/git-config#_syntax */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** The folder of this name and no other. @see https://git-scm.com/docs/gitignore */
export function ignorePattern(folder: string): string {
  return `/${folder.replace(/[\\*?[\]!# ]/g, '\\$&')}`
}

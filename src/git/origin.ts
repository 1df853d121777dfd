import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { Git } from './git.ts'

/**
 * Where a checkout came from, so that branches go there and not into somebody's own repository.
 *
 * @param repository as it was named
 * @returns the URL or absolute path of the remote `origin`; `repository` itself when it is no folder on this disk, is
 *   bare, or has no origin
 */
export async function originOf(git: Git, repository: string): Promise<string> {
  if (!path.isAbsolute(repository) || !(await isCheckout(repository))) return repository
  const args = ['--git-dir', path.join(repository, '.git'), 'config', '--local', '--get', 'remote.origin.url']
  const result = await git.run(args, { signal: null })
  const origin = result.stdout.text().trim()
  if (result.exitCode !== 0 || origin === '') return repository
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(origin) || /^[^/][^/@]*@[^/][^/:]*:/.test(origin)
  return isUrl ? origin : path.resolve(repository, origin)
}

async function isCheckout(folder: string): Promise<boolean> {
  try {
    return (await stat(path.join(folder, '.git'))).isDirectory()
  } catch {
    // No such folder, or none we may read: git will say so where the repository is opened.
    return false
  }
}

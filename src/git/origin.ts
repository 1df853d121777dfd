import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { Git } from './git.ts'
import { withoutHttpUser } from './repository-url.ts'

/** `repository`: a URL or an absolute path. `loginLeftOut`: an origin held a user name, password or token, and it is without. */
export type Origin = { repository: string; loginLeftOut: boolean }

/**
 * Where a checkout came from, so that branches go there and not into a person's own checkout.
 *
 * @param repository as it was named
 * @returns what the remote `origin` names, without what stands before the host of an http(s) URL; `repository` itself
 *   when it is no folder on this disk, is bare, or has no origin
 */
export async function originOf(git: Git, repository: string): Promise<Origin> {
  const asNamed = { repository, loginLeftOut: false }
  if (!path.isAbsolute(repository) || !(await isCheckout(repository))) return asNamed
  const args = ['--git-dir', path.join(repository, '.git'), 'config', '--local', '--get', 'remote.origin.url']
  const result = await git.run(args, { signal: null })
  const origin = result.stdout.text().trim()
  if (result.exitCode !== 0 || origin === '') return asNamed
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(origin) || /^[^/][^/@]*@[^/][^/:]*:/.test(origin)
  if (!isUrl) return { repository: path.resolve(repository, origin), loginLeftOut: false }
  const bare = withoutHttpUser(origin)
  return { repository: bare, loginLeftOut: bare !== origin }
}

async function isCheckout(folder: string): Promise<boolean> {
  try {
    return (await stat(path.join(folder, '.git'))).isDirectory()
  } catch {
    // No such folder, or none we may read: git will say so where the repository is opened.
    return false
  }
}

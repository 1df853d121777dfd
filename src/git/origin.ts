import { lstat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '../faults/fault.ts'
import type { Git } from './git.ts'
import { shellWord } from './ref-names.ts'
import { isRemoteAddress, repositoryKey, shownRepository, withoutHttpUser } from './repository-url.ts'

/**
 * `repository`: a URL or an absolute path. `loginLeftOut`: an origin, or what `insteadOf` made of an address, held a user name,
 * password or token, and it is without.
 */
export type Origin = { repository: string; loginLeftOut: boolean }

/**
 * Where a checkout came from, so that branches go there and not into a person's own checkout. A linked worktree, a
 * submodule and one whose git folder lies elsewhere are checkouts too, and so is the origin of a clone of a clone, unless
 * it has no remote.
 *
 * @param repository as it was named
 * @param configFiles absolute paths of the operator's own configuration of git, which may not be there: what it says of
 *   `url.<base>.insteadOf` counts, as for the operator
 * @returns what the remote `origin` names, or the only remote there is, without what stands before the host of an http(s)
 *   URL; `repository` itself when it is no checkout on this disk
 * @throws {Fault} `repository_refused` for a checkout without a remote, or with several of which none is `origin`
 */
export async function originOf(git: Git, repository: string, configFiles: readonly string[]): Promise<Origin> {
  const { last, refused } = await wayToOrigin(git, repository, configFiles)
  if (refused !== null) throw refused
  return last
}

/**
 * The repositories that a checkout came from, the nearest first, as far as their remotes tell: of a clone of a clone, the
 * one in between as well. A checkout without a remote is its own.
 */
export async function originsOf(git: Git, checkout: string, configFiles: readonly string[]): Promise<string[]> {
  const { passed, last } = await wayToOrigin(git, checkout, configFiles)
  return [...passed.slice(1), last.repository]
}

/** `passed`: the checkouts on the way. `refused`: why the last one leads no further. */
type Way = { passed: string[]; last: Origin; refused: Fault | null }

async function wayToOrigin(git: Git, repository: string, configFiles: readonly string[]): Promise<Way> {
  const settings = configFiles.flatMap((file) => ['-c', `include.path=${file}`])
  const seen = new Set<string>()
  let last = await rewritten(git, repository, settings)
  for (;;) {
    const ended = (refused: Fault | null) => ({ passed: [...seen], last, refused })
    const checkout = await checkoutAt(last.repository)
    if (checkout === null) return ended(null)
    if (seen.has(checkout)) return ended(withoutOrigin(checkout))
    const next = await nextOrigin(git, checkout, settings)
    if (next === null) return ended(seen.size === 0 ? withoutOrigin(checkout) : null)
    if (next instanceof Fault) return ended(next)
    seen.add(checkout)
    last = { ...next, loginLeftOut: last.loginLeftOut || next.loginLeftOut }
  }
}

/** An address as `url.<base>.insteadOf` of the operator has it; a path as it is. */
async function rewritten(git: Git, repository: string, settings: readonly string[]): Promise<Origin> {
  const asNamed = { repository, loginLeftOut: false }
  // The arguments of a process are seen by others, so what may hold a secret stays as it is, and is refused.
  const isSecret = shownRepository(repository) !== repository
  if (settings.length === 0 || isSecret || !isRemoteAddress(repository)) return asNamed
  const args = [...settings, 'ls-remote', '--get-url', '--', repository]
  const { exitCode, stdout } = await git.run(args, { signal: null, timeoutMs: 60_000 })
  const [address] = linesOf(stdout.text())
  return exitCode !== 0 || address === undefined ? asNamed : withoutLogin(address)
}

/** The checkout that an address names, also by its git folder or as a file URL; null: it names none. */
async function checkoutAt(repository: string): Promise<string | null> {
  const folder = /^file:\/\/\//i.test(repository) ? folderOf(repository) : repository
  const named = path.basename(folder) === '.git' ? path.dirname(folder) : folder
  return (await isCheckout(named)) ? named : null
}

/** Of a file URL; itself where it names no folder, such as one with an encoded slash. */
function folderOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch {
    return url
  }
}

/** @returns null: it has no remote; a fault: one of several has to be named */
async function nextOrigin(git: Git, repository: string, settings: readonly string[]): Promise<Origin | Fault | null> {
  const ask = (args: readonly string[]) => askCheckout(git, repository, [...settings, 'remote', ...args])
  const remotes = linesOf(await ask([]))
  const remote = remotes.includes('origin') ? 'origin' : remotes.length === 1 ? remotes[0] : undefined
  if (remote === undefined) return remotes.length === 0 ? null : severalRemotes(repository, remotes)
  const [fetched] = linesOf(await ask(['get-url', '--', remote]))
  const [pushed] = linesOf(await ask(['get-url', '--push', '--', remote]))
  if (fetched === undefined || pushed === undefined) return null
  // Another address of the same repository is the one with the right to write.
  return cleaned(repository, isSame(fetched, pushed) ? pushed : fetched)
}

function cleaned(checkout: string, address: string): Origin {
  if (!isRemoteAddress(address)) return { repository: path.resolve(checkout, address), loginLeftOut: false }
  return withoutLogin(address)
}

function withoutLogin(address: string): Origin {
  const bare = withoutHttpUser(address)
  return { repository: bare, loginLeftOut: bare !== address }
}

function isSame(one: string, other: string): boolean {
  const key = (repository: string) => repositoryKey({ repository, forgeHost: null })
  return isRemoteAddress(one) && isRemoteAddress(other) && key(one) === key(other)
}

/** Whether a path is a folder with a work tree. What cannot be looked at shows when the repository is opened. */
export async function isCheckout(folder: string): Promise<boolean> {
  if (!path.isAbsolute(folder)) return false
  try {
    await lstat(path.join(folder, '.git'))
    return true
  } catch {
    return false
  }
}

/**
 * git with the configuration of a checkout and nothing of its content. Named as the git folder, a `.git` that is a file
 * is followed, and one of another user is read.
 */
async function askCheckout(git: Git, checkout: string, args: readonly string[]): Promise<string> {
  const env = { GIT_CONFIG_NOSYSTEM: 'false' }
  const { exitCode, stdout } = await git.run(['--git-dir', path.join(checkout, '.git'), ...args], {
    signal: null,
    env,
    timeoutMs: 60_000,
  })
  return exitCode === 0 ? stdout.text() : ''
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

function withoutOrigin(checkout: string): Fault {
  const message =
    `${checkout} is a checkout without an origin. Moose pushes branches and merges, which it never does into a folder ` +
    `in which a person works. Name where it belongs: git -C ${shellWord(checkout)} remote add origin URL   or have a bare copy made ` +
    'beside it, which orders are for: moose init --create-origin FOLDER'
  return new Fault('repository_refused', message, { repository: checkout })
}

function severalRemotes(checkout: string, remotes: readonly string[]): Fault {
  const message =
    `${checkout} has several remotes (${remotes.slice(0, 20).join(', ')}), and none is called origin. ` +
    'Name the one orders are for: moose init URL'
  return new Fault('repository_refused', message, { repository: checkout })
}

import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { PLAIN_COMMITS, type Project } from '../../src/work-order/project.ts'

/** A file's content; null removes it; `link` makes a symbolic link; `mode` sets its permissions. */
export type FileChange = string | Buffer | null | { link: string } | { content: string; mode: number }

const ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  LC_ALL: 'C',
}

/** git in a folder; its trimmed stdout. Rejects on a non-zero exit. */
export async function gitIn(folder: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', [...args], {
    cwd: folder,
    env: ENVIRONMENT,
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout.trim()
}

export type GitRemote = AsyncDisposable & {
  /** Absolute path of a bare repository with the branch `main`; what a project's `repository` can be. */
  path: string
  /** A folder next to it that goes with it: room for a Moose home. */
  folder: string
  /** git in the bare repository. */
  git: (...args: readonly string[]) => Promise<string>
  /** Commits a change on a branch (made from `main` when missing) and pushes it. @returns the commit */
  commit: (branch: string, files: Readonly<Record<string, FileChange>>) => Promise<string>
  /** The names of all branches, sorted. */
  branches: () => Promise<string[]>
  project: (changes?: Partial<Project>) => Project
}

/**
 * A real bare repository on disk, as somebody's server would hold it, with one commit on `main`.
 *
 * @example
 * await using remote = await createGitRemote({ 'README.md': '# Hello\n' })
 */
export async function createGitRemote(files: Readonly<Record<string, FileChange>>): Promise<GitRemote> {
  const root = await mkdtemp(path.join(tmpdir(), 'moose-remote-'))
  const bare = path.join(root, 'remote.git')
  const author = path.join(root, 'author')
  const folder = path.join(root, 'home')
  await mkdir(folder)
  await gitIn(root, 'init', '--quiet', '--bare', '--initial-branch=main', bare)
  await gitIn(root, 'clone', '--quiet', bare, author)
  // Blobs are the bytes the test gives, whatever its .gitattributes ask for.
  await mkdir(path.join(author, '.git', 'info'), { recursive: true })
  await writeFile(path.join(author, '.git', 'info', 'attributes'), '* -text -filter -ident !working-tree-encoding\n')
  await gitIn(author, 'symbolic-ref', 'HEAD', 'refs/heads/main')
  await commitFiles(author, files)
  await gitIn(author, 'push', '--quiet', 'origin', 'main')
  return {
    path: bare,
    folder,
    git: (...args) => gitIn(bare, ...args),
    commit: (branch, changes) => commitOn(author, branch, changes),
    branches: async () => (await gitIn(bare, 'branch', '--format=%(refname:short)')).split('\n').sort(),
    project: (changes) => ({
      id: '00000000-0000-4000-8000-000000000001',
      name: 'demo',
      repository: bare,
      defaultBranch: 'main',
      forge: 'local',
      forgeHost: null,
      mirrorId: changes?.id ?? '00000000-0000-4000-8000-000000000001',
      branchPattern: null,
      commits: PLAIN_COMMITS,
      sandboxImage: null,
      ...changes,
    }),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  }
}

async function commitOn(author: string, branch: string, files: Readonly<Record<string, FileChange>>): Promise<string> {
  await gitIn(author, 'fetch', '--quiet', 'origin')
  const known = await gitIn(author, 'branch', '--remotes', '--list', `origin/${branch}`)
  const start = known === '' ? 'origin/main' : `origin/${branch}`
  await gitIn(author, 'checkout', '--quiet', '--force', '--no-track', '-B', branch, start)
  const sha = await commitFiles(author, files)
  await gitIn(author, 'push', '--quiet', 'origin', branch)
  return sha
}

async function commitFiles(author: string, files: Readonly<Record<string, FileChange>>): Promise<string> {
  for (const [name, change] of Object.entries(files)) await writeChange(path.join(author, name), change)
  await gitIn(author, 'add', '--all', '--force', '.')
  await gitIn(author, 'commit', '--quiet', '--allow-empty', '--message', 'change')
  return await gitIn(author, 'rev-parse', 'HEAD')
}

async function writeChange(file: string, change: FileChange): Promise<void> {
  await rm(file, { recursive: true, force: true })
  if (change === null) return
  await mkdir(path.dirname(file), { recursive: true })
  if (typeof change === 'string' || Buffer.isBuffer(change)) return await writeFile(file, change)
  if ('link' in change) return await symlink(change.link, file)
  await writeFile(file, change.content)
  await chmod(file, change.mode)
}

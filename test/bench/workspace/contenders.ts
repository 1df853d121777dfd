import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { gitEnvironment, HARDENED_ARGS, identityEnvironment } from '../../../src/git/git-environment.ts'
import { EXACT_BYTES } from '../../../src/git/mirror-files.ts'
import type { Workspaces, WorkTree } from '../../../src/ports/workspace.ts'
import type { Project } from '../../../src/work-order/project.ts'

/** One way to come to a work tree, commit one changed file in it into the mirror, and be rid of it. */
export type Contender = {
  name: string
  create: () => Promise<void>
  commit: () => Promise<void>
  discard: () => Promise<void>
}

export type Place = {
  project: Project
  workspaces: Workspaces
  /** Absolute path of the mirror. */
  mirror: string
  /** Absolute path of a folder for work trees. */
  folder: string
  baseSha: string
  /** The one file that is changed. */
  file: string
}

const run = promisify(execFile)
const when = new Date('2026-01-02T03:04:05Z')
const signal = new AbortController().signal

/** What it costs to ask whether the base has moved, where it has not. */
export async function bareFetch(place: Place): Promise<void> {
  const refspec = '+refs/heads/main:refs/heads/main'
  await hardened(place, ['--git-dir', place.mirror, 'fetch', '--quiet', '--no-tags', place.project.repository, refspec])
}

async function hardened(place: Place, args: readonly string[]): Promise<void> {
  const env = { ...gitEnvironment(path.join(place.folder, 'git-home')), ...identityEnvironment(when) }
  await run('git', [...HARDENED_ARGS, ...args], { cwd: '/', env, maxBuffer: 64 * 1024 * 1024 })
}

/** What a shell script would do with bare git under Moose's hardening: init, alternates, checkout, add, commit, fetch. */
export function bareGit(place: Place, name: string, sparse: boolean): Contender {
  const tree = path.join(place.folder, name.replaceAll(' ', '-'))
  const git = (...args: readonly string[]): Promise<void> => hardened(place, args)
  return {
    name,
    async create() {
      await git('init', '--quiet', '--template=', tree)
      await mkdir(path.join(tree, '.git/info'), { recursive: true })
      await writeFile(path.join(tree, '.git/objects/info/alternates'), `${place.mirror}/objects\n`)
      await writeFile(path.join(tree, '.git/info/attributes'), EXACT_BYTES)
      if (sparse) await git('-C', tree, 'sparse-checkout', 'set', '--cone', path.posix.dirname(place.file))
      await git('-C', tree, 'checkout', '--quiet', '--detach', place.baseSha)
    },
    async commit() {
      await writeFile(path.join(tree, place.file), 'changed\n')
      await git('-C', tree, 'add', '--all')
      await git('-C', tree, 'commit', '--quiet', '--message', 'change')
      await git('--git-dir', place.mirror, 'fetch', '--quiet', '--no-tags', tree, '+HEAD:refs/bench/bare')
    },
    async discard() {
      await run('rm', ['-rf', tree])
    },
  }
}

/** Moose's own workspace; `scoped` as edits are applied in, whole as Aider and checks get it. */
export function moose(place: Place, name: string, scoped: boolean): Contender {
  const { project, workspaces, baseSha } = place
  const request = { project, workOrderId: place.project.id, attempt: scoped ? 1 : 2, sha: baseSha, signal }
  const opened: WorkTree[] = []
  const tree = (): WorkTree => {
    const [last] = opened.slice(-1)
    if (last === undefined) throw new Error('nothing was opened')
    return last
  }
  return {
    name,
    async create() {
      opened.push(
        await (scoped ? workspaces.openScoped({ ...request, scope: [place.file] }) : workspaces.open(request)),
      )
    },
    async commit() {
      await writeFile(path.join(tree().path, place.file), 'changed\n')
      if ((await tree().commit('change', when)) === null) throw new Error('there was nothing to commit')
    },
    async discard() {
      await tree()[Symbol.asyncDispose]()
    },
  }
}

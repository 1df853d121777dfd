import { readFile } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import { Fault } from '../faults/fault.ts'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import type { CommandResult } from '../process/run-command.ts'
import type { Project } from '../work-order/project.ts'
import { type Git, type GitCall, gitFailed, type RemoteResult, whatGitSaid } from './git.ts'
import { retryLocked } from './git-lock.ts'
import { putBackMirrorFiles } from './mirror-files.ts'
import { branchRef } from './ref-names.ts'
import { faultOfOwner, faultOfState } from './repository-state.ts'
import { parseRepositoryUrl, type RepositoryUrl } from './repository-url.ts'

/**
 * The bare repository of ours that stands for a project's: all that is fetched arrives here, every commit of an
 * attempt is kept here, and only from here is anything pushed. It has no remote, no hooks and no work tree; private
 * clones borrow its objects, so nothing in it is ever pruned. What steers git in it is put back before every command.
 */
export class Mirror {
  /** Absolute path of the bare repository. */
  readonly dir: string
  /** Absolute path of what private clones borrow. */
  readonly objects: string
  readonly #git: Git
  /** Fetches one after the other, in their order. */
  readonly #inTurn = pLimit(1)
  #ready: Promise<void> | null = null
  /** As they were last listed; null: something may have moved since. */
  #refs: Promise<string> | null = null

  constructor(git: Git, dir: string) {
    this.#git = git
    this.dir = dir
    this.objects = path.join(dir, 'objects')
  }

  /** git on the mirror; a non-zero exit is a result. */
  async run(args: readonly string[], call: GitCall): Promise<CommandResult> {
    await putBackMirrorFiles(this.dir)
    return await this.#git.run([`--git-dir=${this.dir}`, ...args], call)
  }

  /** git on the mirror, talking to the project's repository; a non-zero exit is a result. */
  async runRemote(project: Project, args: readonly string[], call: GitCall): Promise<RemoteResult> {
    await putBackMirrorFiles(this.dir)
    return await this.#git.runRemote(project, [`--git-dir=${this.dir}`, ...args], call)
  }

  /** git on the mirror. @throws {Fault} `command_failed` unless it succeeds */
  async succeed(args: readonly string[], call: GitCall): Promise<CommandResult> {
    await putBackMirrorFiles(this.dir)
    return await this.#git.succeed([`--git-dir=${this.dir}`, ...args], call)
  }

  /**
   * Fetches one branch into a ref of the mirror, forced. A branch that becomes a branch of the mirror comes with every tag
   * of the repository, as in a clone; tags that are gone there go here.
   *
   * @returns the commit the branch stands at; null when the repository has no such branch
   * @throws {Fault} `repository_refused` (also for one that is not whole), `repository_unreachable`,
   *   `base_branch_missing` for a branch that stands at no commit
   */
  async fetchBranch(project: Project, from: { branch: string; into: string }, signal: AbortSignal | null) {
    const remote = parseRepositoryUrl(project.repository)
    const refspec = `+${branchRef(from.branch)}:${from.into}`
    await this.#prepare()
    return await this.#inTurn(async () => {
      const withTags = from.into.startsWith('refs/heads/')
      const args = [
        ...FETCH,
        ...(withTags ? ['--prune', '--', remote.url, refspec, TAGS] : ['--', remote.url, refspec]),
      ]
      const fetch = (): Promise<CommandResult> => this.runRemote(project, args, { signal })
      const result = await retryLocked(this.dir, fetch)
      this.#refs = null
      if (result.exitCode !== 0 && /couldn't find remote ref/.test(result.stderr.text())) return null
      const odd = faultOfState(remote, result)
      if (odd !== null) throw odd
      if (result.exitCode !== 0 && /trying to write non-commit object/.test(result.stderr.text()))
        throw noCommit(remote, from.branch)
      if (result.exitCode !== 0) throw unreachable(remote, result)
      return await this.#commitAt(from.into)
    })
  }

  /**
   * Branches and tags of the mirror, as `packed-refs` of a repository lists them. Asked once between two changes.
   *
   * @see https://git-scm.com/docs/git-pack-refs
   */
  async packedRefs(): Promise<string> {
    this.#refs ??= this.#listRefs()
    return await this.#refs
  }

  async #listRefs(): Promise<string> {
    const format = '%(objectname) %(refname)%(if)%(*objectname)%(then)%0a^%(*objectname)%(end)'
    const args = ['for-each-ref', `--format=${format}`, 'refs/heads', 'refs/tags']
    return (await this.succeed(args, { signal: null })).stdout.text()
  }

  /** Sets a ref of the mirror to a commit it holds. */
  async keep(ref: string, sha: string): Promise<void> {
    this.#forgetRefs(ref)
    const args = ['update-ref', '--no-deref', ref, sha]
    const result = await retryLocked(this.dir, () => this.run(args, { signal: null }))
    if (result.exitCode !== 0) throw gitFailed(args, result)
  }

  /** Deletes a ref of the mirror if it stands at this commit. @returns whether it did */
  async deleteRef(ref: string, sha: string): Promise<boolean> {
    this.#forgetRefs(ref)
    const args = ['update-ref', '--no-deref', '-d', ref, sha]
    const { exitCode } = await retryLocked(this.dir, () => this.run(args, { signal: null }))
    return exitCode === 0
  }

  #forgetRefs(changed: string): void {
    if (!changed.startsWith('refs/moose/')) this.#refs = null
  }

  /** What a branch of the mirror stood at when it was last fetched, without a process; null: it is not known at once. */
  async lastKnown(ref: string): Promise<string | null> {
    return await this.#branchFile(ref)
  }

  async #commitAt(ref: string): Promise<string> {
    const known = await this.#branchFile(ref)
    if (known !== null) return known
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]
    const { stdout } = await this.succeed(args, { signal: null })
    return stdout.text().trim()
  }

  /**
   * What a branch stands at, as its file says: no process is needed for it, and git lets a branch hold nothing but
   * commits. Null where git is to be asked: it is no branch, or has no file of its own.
   *
   * @see https://git-scm.com/docs/gitrepository-layout (refs)
   */
  async #branchFile(ref: string): Promise<string | null> {
    if (!ref.startsWith('refs/heads/')) return null
    const file = path.join(this.dir, ref)
    const found = await lstatOrNull(file)
    if (found?.isFile() !== true || found.size !== BRANCH_FILE_BYTES) return null
    const sha = (await readFile(file, 'latin1')).trimEnd()
    return /^[0-9a-f]{40}$/.test(sha) ? sha : null
  }

  /** Makes the repository; repeating it is harmless, so a crash in between leaves nothing half made. */
  async #prepare(): Promise<void> {
    this.#ready ??= this.#create()
    try {
      await this.#ready
    } catch (error) {
      this.#ready = null
      throw error
    }
  }

  async #create(): Promise<void> {
    await putBackMirrorFiles(this.dir)
    const args = ['init', '--quiet', '--bare', '--template=', '--', this.dir]
    const result = await retryLocked(this.dir, () => this.#git.run(args, { signal: null }))
    if (result.exitCode !== 0) throw gitFailed(args, result)
  }
}

/** A commit id and a newline. */
const BRANCH_FILE_BYTES = 41

const FETCH = [
  'fetch',
  '--quiet',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-recurse-submodules',
]

/** In `refs/tags`, wherever each stood. */
const TAGS = '+refs/tags/*:refs/tags/*'

function noCommit({ shown }: RepositoryUrl, branch: string): Fault {
  const message = `The branch "${branch}" of ${shown} stands at no commit. Push one there, or correct the project's branch.`
  return new Fault('base_branch_missing', message, { repository: shown, branch })
}

/** The Fault for a remote that did not answer as one should. */
export function unreachable(remote: RepositoryUrl, result: CommandResult): Fault {
  const said = whatGitSaid(result)
  const foreign = faultOfOwner(remote, said)
  if (foreign !== null) return foreign
  const next = wantsLogin(remote, said) ? HOW_TO_LOG_IN : 'Check its address and your access to it.'
  const message = `The repository ${remote.shown} cannot be reached: ${said.replace(/(?<!\.)\.+$/, '')}. ${next}`
  return new Fault('repository_unreachable', message, { repository: remote.shown, exitCode: result.exitCode })
}

const HOW_TO_LOG_IN =
  'Check its address. Over https Moose can log in to GitHub only, elsewhere use ssh. ' +
  'For GitHub type: gh auth login   or set GH_TOKEN.'

/** Git asks for a password when a server refuses it; it must not ask on the terminal. */
function wantsLogin({ url }: RepositoryUrl, said: string): boolean {
  return /^https:/i.test(url) && /Authentication failed|could not read (Username|Password)/i.test(said)
}

import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Git } from '../git/git.ts'
import { identityEnvironment } from '../git/git-environment.ts'
import type { Mirror } from '../git/mirror.ts'
import { attemptRef, fullSha } from '../git/ref-names.ts'
import type { Log } from '../log.ts'
import type { ChangedFile, Workspace, WorkspaceRequest } from '../pipeline/ports/workspace.ts'
import { removeTree } from '../sandbox/remove-tree.ts'
import { changedFiles } from './changed-files.ts'
import { recordsOf } from './path-bytes.ts'

export type WorkspaceParts = { git: Git; mirror: Mirror; folder: string; log: Log }

/**
 * The private clone of one attempt: `<folder>/tree`.
 *
 * Two things look at the tree. Foreign code (checks, Aider) finds a repository of its own in `tree/.git`, which
 * borrows the mirror's objects and which Moose never opens. Moose's git works with the mirror as its repository and
 * an index of its own beside the tree: nothing foreign code writes into a `.git/config` can make it run a program.
 */
export class AttemptWorkspace implements Workspace {
  readonly path: string
  readonly baseSha: string
  readonly #parts: WorkspaceParts
  readonly #request: WorkspaceRequest
  readonly #index: string
  /** The commit tracked files are put back to. */
  #current: string

  constructor(parts: WorkspaceParts, request: WorkspaceRequest) {
    this.#parts = parts
    this.#request = request
    this.#current = fullSha(request.sha)
    this.baseSha = this.#current
    this.path = path.join(parts.folder, 'tree')
    this.#index = path.join(parts.folder, 'index')
  }

  /** Fills the empty folder. */
  async checkOut(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 })
    await this.#putBack(this.#request.signal)
    await this.#renewClone()
  }

  /**
   * There is always one commit between the base and the tree: committing again replaces it. Ignored files are left
   * out, as everywhere in git, and named in the log.
   */
  async commit(message: string, when: Date): Promise<string | null> {
    await this.#warnOfIgnored()
    await this.#run(['add', '--all', '--', '.'])
    const tree = await this.#run(['write-tree'])
    const baseTree = await this.#run(['rev-parse', '--verify', '--quiet', `${this.baseSha}^{tree}`])
    if (tree === baseTree) return null
    const commit = ['commit-tree', '-p', this.baseSha, '-F', '-', fullSha(tree)]
    const sha = fullSha(await this.#run(commit, { env: identityEnvironment(when), input: message }))
    await this.#parts.mirror.keep(attemptRef(this.#request.workOrderId, this.#request.attempt), sha)
    this.#current = sha
    await this.#renewClone()
    return sha
  }

  async changes(): Promise<ChangedFile[]> {
    await this.#run(['add', '--all', '--', '.'])
    const tree = await this.#run(['write-tree'])
    return changedFiles(this.#parts.mirror, this.baseSha, tree)
  }

  /**
   * Also removes untracked files, so that one check cannot plant a file for the next; ignored ones (installed
   * dependencies, build output) stay. The clone foreign code sees is made anew.
   */
  async restore(): Promise<void> {
    await this.#putBack(null)
    await this.#run(['clean', '-d', '--force', '--force', '--quiet'])
    await this.#renewClone()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeTree(this.#parts.folder)
  }

  /** Makes index and tracked files equal to the current commit. */
  async #putBack(signal: AbortSignal | null): Promise<void> {
    await this.#run(['read-tree', '--reset', '-u', '--no-recurse-submodules', this.#current], { signal })
  }

  async #renewClone(): Promise<void> {
    const clone = path.join(this.path, '.git')
    await removeTree(clone)
    await this.#parts.git.succeed(['init', '--quiet', '--template=', '--', this.path], { signal: null })
    const objects = path.join(this.#parts.mirror.dir, 'objects')
    await mkdir(path.join(clone, 'objects', 'info'), { recursive: true })
    await writeFile(path.join(clone, 'objects', 'info', 'alternates'), `${objects}\n`)
    await writeFile(path.join(clone, 'HEAD'), `${this.#current}\n`)
    await copyFile(this.#index, path.join(clone, 'index'))
  }

  async #warnOfIgnored(): Promise<void> {
    const args = ['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--directory']
    const ignored = recordsOf(Buffer.from(await this.#run(args)))
    if (ignored.length === 0) return
    const { workOrderId, attempt } = this.#request
    const facts = { workOrderId, attempt, count: ignored.length, first: ignored.slice(0, 5) }
    this.#parts.log.warn(facts, 'files the repository ignores are not part of the commit')
  }

  /** git on the tree with the private index; gives its trimmed stdout. */
  async #run(
    args: readonly string[],
    call: { env?: Record<string, string>; input?: string; signal?: AbortSignal | null } = {},
  ): Promise<string> {
    const env = { ...call.env, GIT_INDEX_FILE: this.#index }
    const { stdout } = await this.#parts.mirror.succeed([`--work-tree=${this.path}`, ...args], {
      signal: null,
      ...call,
      cwd: this.path,
      env,
    })
    return stdout.text().trim()
  }
}

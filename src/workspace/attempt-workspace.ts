import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { Fault } from '../errors.ts'
import type { Git } from '../git/git.ts'
import { identityEnvironment } from '../git/git-environment.ts'
import type { Mirror } from '../git/mirror.ts'
import { attemptRef, fullSha } from '../git/ref-names.ts'
import type { Log } from '../log.ts'
import type { ChangedFile, Workspace, WorkspaceRequest } from '../pipeline/ports/workspace.ts'
import { plantedRepositories } from '../sandbox/find-in-tree.ts'
import { KnownFolder } from '../sandbox/known-folder.ts'
import { removeTree } from '../sandbox/remove-tree.ts'
import { changedFiles } from './changed-files.ts'
import { recordsOf } from './path-bytes.ts'
import { makePrivateClone } from './private-clone.ts'

export type WorkspaceParts = { git: Git; mirror: Mirror; folder: string; log: Log }

/**
 * The private clone of one attempt: `<folder>/tree`.
 *
 * Two things look at the tree. Foreign code (checks, Aider) finds a repository of its own in `tree/.git`, which
 * borrows the mirror's objects and which Moose never opens. Moose's git works with the mirror as its repository and
 * an index of its own beside the tree: nothing foreign code writes into a `.git/config` can make it run a program.
 * Before anything is committed, restored or removed, the tree must be the folder it was when it was made.
 */
export class AttemptWorkspace implements Workspace {
  readonly path: string
  readonly baseSha: string
  readonly #parts: WorkspaceParts
  readonly #request: WorkspaceRequest
  readonly #index: string
  /** The commit tracked files are put back to. */
  #current: string
  /** The attempt's folder and the tree in it, as they were made. */
  #folders: readonly KnownFolder[] = []

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
    this.#folders = [await KnownFolder.at(this.#parts.folder), await KnownFolder.at(this.path)]
    await this.#putBack(this.#request.signal)
    await this.#renewClone()
  }

  /**
   * There is always one commit between the base and the tree: committing again replaces it. Ignored files are left
   * out, as everywhere in git, and named in the log.
   */
  async commit(message: string, when: Date): Promise<string | null> {
    await this.#requireOurs()
    await this.#warnOfIgnored()
    const tree = await this.#addAll()
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
    return changedFiles(this.#parts.mirror, this.baseSha, await this.#addAll())
  }

  /**
   * Also removes untracked files, so that one check cannot plant a file for the next; ignored ones (installed
   * dependencies, build output) stay. The clone foreign code sees and all that lies beside the tree are made anew.
   */
  async restore(): Promise<void> {
    await this.#requireOurs()
    for (const name of await readdir(this.#parts.folder)) {
      if (name !== path.basename(this.path)) await removeTree(path.join(this.#parts.folder, name))
    }
    await this.#putBack(null)
    await this.#run(['clean', '-d', '--force', '--force', '--quiet'])
    await this.#renewClone()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeTree(this.#parts.folder)
  }

  /** @returns the tree object of everything there is */
  async #addAll(): Promise<string> {
    const [planted] = await plantedRepositories(this.path)
    if (planted !== undefined) {
      const message = `A program that ran in the work tree made a repository there (${planted.toString()}). Nothing of it is taken over.`
      throw new Fault('change_out_of_scope', message, { path: planted.toString() })
    }
    await this.#run(['add', '--all', '--', '.'])
    return this.#run(['write-tree'])
  }

  async #requireOurs(): Promise<void> {
    for (const folder of this.#folders) {
      if (await folder.isStillThere()) continue
      const message =
        'The work tree was removed, moved or replaced by a program that ran in it. ' +
        'Moose touches nothing there any more. Correct the check, then retry.'
      throw new Fault('check_failed', message)
    }
  }

  /**
   * Makes index and tracked files equal to the current commit. The index is always a new one: foreign code may have
   * told the old one to overlook a file. The refresh compares contents, so that a file nobody changed keeps its time.
   */
  async #putBack(signal: AbortSignal | null): Promise<void> {
    await removeTree(this.#index)
    await this.#run(['read-tree', this.#current], { signal })
    await this.#run(['update-index', '-q', '--refresh'], { signal })
    await this.#run(['read-tree', '--reset', '-u', '--no-recurse-submodules', this.#current], { signal })
  }

  async #renewClone(): Promise<void> {
    const { git, mirror } = this.#parts
    await makePrivateClone(git, { tree: this.path, mirrorDir: mirror.dir, index: this.#index, head: this.#current })
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

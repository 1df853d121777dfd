import { constants, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Fault } from '../faults/fault.ts'
import { makeCommit } from '../git/make-commit.ts'
import { EXACT_BYTES, gitConfig } from '../git/mirror-files.ts'
import { attemptRef, fullSha } from '../git/ref-names.ts'
import type { Workspace, WorkspaceRequest } from '../ports/workspace.ts'
import { KnownFolder } from '../sandbox/known-folder.ts'
import { makeWritable, removeTree } from '../sandbox/remove-tree.ts'
import { changedFiles } from './changed-files.ts'
import { PrivateIndex, type WorkspaceParts } from './private-index.ts'
import { removeWorkTree } from './remove-work-tree.ts'

/**
 * Makes index and tracked files equal to a commit, with as many processes as there are processors: where the disk is
 * slow to make files they do not wait for each other.
 */
const checkOutOf = (sha: string): string[] => [
  '-c',
  'checkout.workers=0',
  'read-tree',
  '--reset',
  '-u',
  '--no-recurse-submodules',
  sha,
]

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
  readonly #index: PrivateIndex
  /** The commit tracked files are put back to. */
  #current: string
  /** The attempt's folder and the tree in it, as they were made. */
  #folders: readonly KnownFolder[] = []
  #hadChecks = false

  constructor(parts: WorkspaceParts, request: WorkspaceRequest) {
    this.#parts = parts
    this.#request = request
    this.#current = fullSha(request.sha)
    this.baseSha = this.#current
    this.path = path.join(parts.folder, 'tree')
    this.#index = new PrivateIndex(parts, this.path)
  }

  /** Fills the empty folder. */
  async checkOut(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 })
    this.#folders = [await KnownFolder.at(this.#parts.folder), await KnownFolder.at(this.path)]
    await this.#index.run(checkOutOf(this.#current), { signal: this.#request.signal })
    await this.#renewClone()
  }

  /**
   * There is always one commit between the base and the tree: committing again replaces it.
   */
  async commit(message: string, when: Date): Promise<string | null> {
    if (this.#hadChecks) throw new TypeError('a check has run in this tree; its build output is no part of a change')
    await this.#requireOurs()
    const [tree, baseTree] = await Promise.all([
      this.#addAll(),
      this.#index.ask(['rev-parse', '--verify', '--quiet', `${this.baseSha}^{tree}`]),
    ])
    if (tree === baseTree) return null
    const { commits: rules } = this.#request.project
    const wanted = { tree, parents: [this.baseSha], message, when, rules }
    const sha = await makeCommit((args, call) => this.#index.ask(args, call), wanted)
    await this.#parts.mirror.keep(attemptRef(this.#request.workOrderId, this.#request.attempt), sha)
    this.#current = sha
    await this.#renewClone()
    return sha
  }

  async changedPaths(): Promise<string[]> {
    const changes = await changedFiles(this.#parts.mirror, this.baseSha, await this.#addAll())
    return changes.map((change) => change.path)
  }

  /**
   * Also removes untracked files, so that one check cannot plant a file for the next; ignored ones (installed
   * dependencies, build output) stay. The clone foreign code sees and all that lies beside the tree are made anew.
   */
  async restore(): Promise<void> {
    this.#hadChecks = true
    await this.#requireOurs()
    for (const name of await readdir(this.#parts.folder)) {
      if (name !== path.basename(this.path)) await removeTree(path.join(this.#parts.folder, name))
    }
    try {
      await this.#putBackAndClean()
    } catch {
      // Most often a folder without write permission, which git empties for root alone; the second attempt tells otherwise.
      await makeWritable(this.path)
      await this.#putBackAndClean()
    }
    await this.#renewClone()
  }

  async #putBackAndClean(): Promise<void> {
    await this.#putBack()
    await this.#index.run(['clean', '-d', '--force', '--force', '--quiet'])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeWorkTree(this.#parts.folder)
  }

  /** @returns the tree object of everything there is */
  async #addAll(): Promise<string> {
    await this.#index.addAll()
    return this.#index.ask(['write-tree'])
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
   * told the old one to overlook a file. The refresh compares contents, so that an unchanged file keeps its time.
   */
  async #putBack(): Promise<void> {
    await removeTree(this.#index.file)
    await this.#index.run(['read-tree', this.#current])
    await this.#index.run(['update-index', '-q', '--refresh'])
    await this.#index.run(checkOutOf(this.#current))
  }

  async #renewClone(): Promise<void> {
    const { mirror } = this.#parts
    await makePrivateClone({ tree: this.path, mirrorDir: mirror.dir, index: this.#index.file, head: this.#current })
  }
}

/**
 * Makes the repository foreign code finds in a work tree, in place of any that is there. It borrows the mirror's
 * objects instead of copying them, and so tells where the mirror is; that is why the mirror distrusts its own files
 * (`putBackMirrorFiles`). Written file by file, as `git init` would: no process is needed for it.
 *
 * @param clone absolute paths, and the commit its detached HEAD stands at
 * @see https://git-scm.com/docs/gitrepository-layout
 */
async function makePrivateClone(clone: {
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

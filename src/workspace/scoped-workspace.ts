import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { importCommit, type TreeChange } from '../git/import-commit.ts'
import { attemptRef, fullSha } from '../git/ref-names.ts'
import type { ScopedRequest, WorkTree } from '../ports/workspace.ts'
import { removeTree } from '../sandbox/remove-tree.ts'
import { PrivateIndex, type WorkspaceParts } from './private-index.ts'
import { readEntries, type ScopedTree, scopedTree, scopeQueries, type TreeEntry, treeChanges } from './scoped-paths.ts'

/**
 * A work tree that holds the scope of an order and little else (`scopedTree`), for an executor that looks at nothing
 * else and runs no foreign code: there is no clone in it. Its index knows only what lies in it, and its commit is the
 * base's tree with the difference put in, so that what is not there is neither looked at nor deleted. All of it costs
 * what the scope costs, however large the repository.
 */
export class ScopedWorkspace implements WorkTree {
  readonly path: string
  readonly baseSha: string
  readonly borrows = []
  readonly image: string | null
  readonly #parts: WorkspaceParts
  readonly #request: ScopedRequest
  readonly #index: PrivateIndex
  #before: readonly TreeEntry[] = []

  constructor(parts: WorkspaceParts, request: ScopedRequest) {
    this.#parts = parts
    this.#request = request
    this.baseSha = fullSha(request.sha)
    this.path = path.join(parts.folder, 'tree')
    this.image = request.project.sandboxImage
    this.#index = new PrivateIndex(parts, this.path)
  }

  /** Fills the empty folder. */
  async checkOut(): Promise<void> {
    const { entries, folders } = await this.#wanted()
    await mkdir(this.path, { recursive: true, mode: 0o700 })
    const { signal } = this.#request
    const listed = entries.map(({ mode, id, path: name }) => `${mode} ${id} 0\t${name}\0`).join('')
    await this.#index.run(['update-index', '-z', '--index-info'], { signal, input: Buffer.from(listed, 'latin1') })
    await this.#index.run(['checkout-index', '--all', '--index', '--quiet'], { signal })
    for (const folder of folders)
      await mkdir(Buffer.concat([Buffer.from(`${this.path}/`), Buffer.from(folder, 'latin1')]), { recursive: true })
    this.#before = entries
  }

  async commit(message: string, when: Date): Promise<string | null> {
    const changes = await this.#changes()
    if (changes.length === 0) return null
    const ref = attemptRef(this.#request.workOrderId, this.#request.attempt)
    const { commits: rules } = this.#request.project
    return importCommit(this.#parts.mirror, { ref, parent: this.baseSha, message, when, rules, changes })
  }

  async changedPaths(): Promise<string[]> {
    const changes = await this.#changes()
    return changes.map((change) => Buffer.from(change.path, 'latin1').toString()).sort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeTree(this.#parts.folder)
  }

  async #wanted(): Promise<ScopedTree> {
    const { scope, signal } = this.#request
    const { files, folders } = scopeQueries(scope)
    const list = async (args: readonly string[]): Promise<TreeEntry[]> => {
      const { stdout } = await this.#parts.mirror.succeed(['ls-tree', '-z', '--full-tree', ...args], { signal })
      return readEntries(stdout.bytes())
    }
    const [inside, beside] = await Promise.all([
      // Without a path it would list everything.
      files.length === 0 ? [] : list(['-r', this.baseSha, '--', ...files]),
      list(['-t', this.baseSha, '--', ...folders]),
    ])
    return scopedTree(scope, { inside, beside })
  }

  /** What is different from the base, deletions first. */
  async #changes(): Promise<TreeChange[]> {
    return treeChanges(this.#before, await this.#index.addAll())
  }
}

import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { Fault } from '../faults/fault.ts'
import { namesIn } from '../files/names-in.ts'
import type { TreeChange } from '../git/import-commit.ts'
import { type CommitToMake, makeCommit } from '../git/make-commit.ts'
import { fullSha } from '../git/ref-names.ts'
import type { BaseRequest, Workspace } from '../ports/workspace.ts'
import { type CachePlace, cachePlaces, restingIn, treeIn } from '../sandbox/cache-places.ts'
import { inTree, pipesAndSockets } from '../sandbox/find-in-tree.ts'
import type { KeptCaches } from '../sandbox/kept-caches.ts'
import { KnownFolder } from '../sandbox/known-folder.ts'
import { makeWritable, removeTree } from '../sandbox/remove-tree.ts'
import { isInScope } from '../work-order/scope.ts'
import { changedFiles } from './changed-files.ts'
import { recordsOf } from './nul-records.ts'
import type { Place } from './places.ts'
import { ignorePattern, makePrivateClone } from './private-clone.ts'
import { PrivateIndex, type WorkspaceParts } from './private-index.ts'
import { removeWorkTree } from './remove-work-tree.ts'
import { treeChanges } from './scoped-paths.ts'

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

export type CloneParts = WorkspaceParts & {
  kept: KeptCaches
  place: Place
}

export type CloneRequest = BaseRequest & {
  /** What the base branch of the clone stands at; null: where it stood when it was last fetched. */
  base: string | null
  /** Where a commit is kept in the mirror; null: nothing is committed in it. */
  ref: string | null
}

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
  readonly borrows: readonly string[]
  readonly image: string | null
  readonly #parts: CloneParts
  readonly #request: CloneRequest
  readonly #index: PrivateIndex
  readonly #places: readonly CachePlace[]
  /** Those in the tree: no part of any commit, and not removed between two checks. */
  readonly #caches: readonly string[]
  /** The commit tracked files are put back to. */
  #current: string
  /** The attempt's folder and the tree in it, as they were made. */
  #folders: readonly KnownFolder[] = []
  #hadChecks = false

  constructor(parts: CloneParts, request: CloneRequest) {
    this.#parts = parts
    this.#request = request
    this.#current = fullSha(request.sha)
    this.baseSha = this.#current
    this.path = treeIn(parts.folder)
    this.borrows = [parts.mirror.objects]
    this.image = request.project.sandboxImage
    this.#places = cachePlaces(request.prepared ? request.prepared.cache : [])
    this.#caches = this.#places.flatMap((place) => (place.within === 'tree' ? [place.path] : []))
    this.#index = new PrivateIndex(parts, this.path, this.#caches)
  }

  /** Fills the empty folder. */
  async checkOut(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 })
    this.#folders = [await KnownFolder.at(this.#parts.folder), await KnownFolder.at(this.path)]
    const { signal } = this.#request
    // The clone's refs are asked for meanwhile.
    await Promise.all([this.#index.run(checkOutOf(this.#current), { signal }), this.#parts.mirror.packedRefs()])
    await this.#renewClone()
    await this.#copyCaches()
  }

  async #copyCaches(): Promise<void> {
    const { project, prepared, signal } = this.#request
    if (!prepared || prepared.key === null) return
    await mkdir(restingIn(this.#parts.folder), { mode: 0o700 })
    const name = { projectId: project.id, key: prepared.key }
    await this.#parts.kept.copyInto(name, { folder: this.#parts.folder, places: this.#places, signal })
  }

  async keepCaches(key: string): Promise<void> {
    const { project, signal } = this.#request
    await this.#requireOurs()
    const made = { folder: this.#parts.folder, places: this.#places, signal }
    await this.#parts.kept.keep({ projectId: project.id, key }, made)
  }

  async ignored(): Promise<string[]> {
    const args = ['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--directory']
    const found = recordsOf(await this.#index.run(args)).map((name) => Buffer.from(name, 'latin1').toString())
    const isKept = await Promise.all(found.map((name) => this.#isKept(name.replace(/\/$/, ''))))
    return found.filter((name, index) => name !== '.git/' && isKept[index] === false).sort()
  }

  /** Whether a file or folder is in a folder of `cache`, or holds nothing but such folders. */
  async #isKept(name: string): Promise<boolean> {
    if (this.#caches.some((cache) => `${name}/`.startsWith(`${cache}/`))) return true
    if (!this.#caches.some((cache) => cache.startsWith(`${name}/`))) return false
    for (const within of await namesIn(path.join(this.path, name)))
      if (!(await this.#isKept(`${name}/${within}`))) return false
    return true
  }

  /**
   * There is always one commit between the base and the tree: committing again replaces it.
   */
  async commit(message: string, when: Date): Promise<string | null> {
    const { ref } = this.#request
    if (ref === null) throw new TypeError('this tree is of no attempt; nothing is committed in it')
    if (this.#hadChecks) throw new TypeError('a check has run in this tree; its build output is no part of a change')
    await this.#requireOurs()
    const [tree, baseTree] = await Promise.all([
      this.#addAll(),
      this.#index.ask(['rev-parse', '--verify', '--quiet', `${this.baseSha}^{tree}`]),
    ])
    if (tree === baseTree) return null
    const sha = await this.#keepCommit(ref, { tree, parents: [this.baseSha], message, when })
    await this.#renewClone()
    return sha
  }

  async #keepCommit(ref: string, commit: Omit<CommitToMake, 'rules'>): Promise<string> {
    const { commits: rules } = this.#request.project
    const sha = await makeCommit((args, call) => this.#index.ask(args, call), { ...commit, rules })
    await this.#parts.mirror.keep(ref, sha)
    this.#current = sha
    return sha
  }

  async commitWithin(
    scope: readonly string[],
    commit: { message: string; when: Date },
  ): Promise<{ sha: string | null; outside: string[] }> {
    const { ref } = this.#request
    if (ref === null) throw new TypeError('this tree is of no attempt; nothing is committed in it')
    await this.#requireOurs()
    // The index beside the tree may have been changed by the script.
    await removeTree(this.#index.file)
    await this.#index.run(['read-tree', this.#current])
    const before = await this.#index.entries()
    const changes = treeChanges(before, await this.#index.addAll('left'))
    const named = changes.map((change) => ({ ...change, name: Buffer.from(change.path, 'latin1').toString() }))
    const within = named.filter(({ name }) => isInScope(name, scope))
    const outside = named.flatMap(({ name }) => (isInScope(name, scope) ? [] : [name])).sort()
    const sha = within.length === 0 ? null : await this.#commitChanges(ref, within, commit)
    await this.restore()
    return { sha, outside }
  }

  async #commitChanges(ref: string, changes: readonly TreeChange[], commit: { message: string; when: Date }) {
    await this.#index.run(['read-tree', this.#current])
    const lines = changes.map(({ path: name, put }) => {
      return put === null ? `0 ${'0'.repeat(40)}\t${name}\0` : `${put.mode} ${put.id}\t${name}\0`
    })
    await this.#index.run(['update-index', '-z', '--index-info'], { input: Buffer.from(lines.join(''), 'latin1') })
    const tree = await this.#index.ask(['write-tree'])
    return this.#keepCommit(ref, { tree, parents: [this.baseSha], ...commit })
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
    const kept = [this.path, restingIn(this.#parts.folder)].map((place) => path.basename(place))
    for (const name of await readdir(this.#parts.folder, { encoding: 'buffer' }))
      if (!kept.includes(name.toString())) await removeTree(inTree(this.#parts.folder, name))
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
    const without = this.#caches.map((cache) => `--exclude=${ignorePattern(cache)}`)
    for (const name of await pipesAndSockets(this.path, this.#caches)) await rm(inTree(this.path, name))
    await this.#index.run(['clean', '-d', '--force', '--force', '--quiet', ...without])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { place } = this.#parts
    if (!place.isHeld()) return
    await removeWorkTree(place.folder)
    place.release()
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
    const { project, base } = this.#request
    const { mirror } = this.#parts
    const { file: index } = this.#index
    await makePrivateClone(mirror, { tree: this.path, index, head: this.#current, project, base, caches: this.#caches })
  }
}

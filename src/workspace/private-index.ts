import path from 'node:path'
import { Fault } from '../errors.ts'
import type { GitCall } from '../git/git.ts'
import { plantedRepositories } from '../sandbox/find-in-tree.ts'
import { recordsOf } from './path-bytes.ts'
import { readEntries, type TreeEntry } from './scoped-paths.ts'
import type { WorkspaceParts } from './workspace-parts.ts'

/**
 * Moose's git on a work tree: the mirror is its repository, and its index lies beside the tree. Whatever foreign code
 * writes into the tree, a `.git` too, configures nothing here.
 */
export class PrivateIndex {
  /** Absolute path of the index. */
  readonly file: string
  readonly #parts: WorkspaceParts
  readonly #tree: string

  /** @param tree absolute path of the work tree */
  constructor(parts: WorkspaceParts, tree: string) {
    this.#parts = parts
    this.#tree = tree
    this.file = path.join(parts.folder, 'index')
  }

  /** git on the tree; gives what it prints. */
  async run(args: readonly string[], call: Partial<Pick<GitCall, 'env' | 'input' | 'signal'>> = {}): Promise<Buffer> {
    const env = { ...call.env, GIT_INDEX_FILE: this.file }
    const { stdout } = await this.#parts.mirror.succeed([`--work-tree=${this.#tree}`, ...args], {
      signal: null,
      ...call,
      cwd: this.#tree,
      env,
    })
    return stdout.bytes()
  }

  /** As `run`, for an answer of one word. */
  async ask(args: readonly string[], call: Partial<Pick<GitCall, 'env' | 'input' | 'signal'>> = {}): Promise<string> {
    return (await this.run(args, call)).toString().trim()
  }

  /**
   * Takes in everything there is, but for ignored files, as everywhere in git; those are named in the log.
   *
   * @throws {Fault} `change_out_of_scope` for a repository in the tree; no git has looked into it then
   */
  async addAll(attempt: { workOrderId: string; attempt: number }): Promise<void> {
    const [planted] = await plantedRepositories(this.#tree)
    if (planted !== undefined) {
      const message = `A program that ran in the work tree made a repository there (${planted.toString()}). Nothing of it is taken over.`
      throw new Fault('change_out_of_scope', message, { path: planted.toString() })
    }
    // Neither is in the other's way: `add` puts the index in place with one move.
    await Promise.all([this.run(['add', '--all', '--', '.']), this.#warnOfIgnored(attempt)])
  }

  /** All the index holds. */
  async entries(): Promise<TreeEntry[]> {
    return readEntries(await this.run(['ls-files', '-z', '--stage']))
  }

  async #warnOfIgnored({ workOrderId, attempt }: { workOrderId: string; attempt: number }): Promise<void> {
    const args = ['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--directory']
    const ignored = recordsOf(await this.run(args))
    if (ignored.length === 0) return
    const facts = { workOrderId, attempt, count: ignored.length, first: ignored.slice(0, 5) }
    this.#parts.log.warn(facts, 'files the repository ignores are not part of the commit')
  }
}

import { readdir } from 'node:fs/promises'
import { Fault } from '../faults/fault.ts'
import type { GitCall } from '../git/git.ts'
import type { Mirror } from '../git/mirror.ts'
import { indexIn } from '../sandbox/cache-places.ts'
import { inTree, plantedRepositories } from '../sandbox/find-in-tree.ts'
import { readEntries, type TreeEntry } from './scoped-paths.ts'

/** The mode of a submodule in a listing of git. */
const SUBMODULE = '160000'

/**
 * Moose's git on a work tree: the mirror is its repository, and its index lies beside the tree. Whatever foreign code
 * writes into the tree, a `.git` too, configures nothing here.
 */
export class PrivateIndex {
  /** Absolute path of the index. */
  readonly file: string
  readonly #parts: WorkspaceParts
  readonly #tree: string
  readonly #caches: readonly string[]

  /**
   * @param tree absolute path of the work tree
   * @param caches folders of it that are no part of any commit
   */
  constructor(parts: WorkspaceParts, tree: string, caches: readonly string[] = []) {
    this.#parts = parts
    this.#tree = tree
    this.#caches = caches
    this.file = indexIn(parts.folder)
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
   * Takes in everything there is. What `.gitignore` says counts for nothing here: a change that was judged is committed
   * whole, and an ignored name among its files is there on purpose.
   *
   * @param ignored `left`: what git ignores and does not track stays out, as for foreign code that also builds
   * @returns all the index holds then
   * @throws {Fault} `change_out_of_scope` for a repository in the tree, which no git has looked into then, and for a file
   *   in the folder of a submodule, which git would leave out without a word
   */
  async addAll(ignored: 'taken' | 'left' = 'taken'): Promise<TreeEntry[]> {
    const [planted] = await plantedRepositories(this.#tree, this.#caches)
    if (planted !== undefined) {
      const message = `A program that ran in the work tree made a repository there (${planted.toString()}). Nothing of it is taken over.`
      throw new Fault('change_out_of_scope', message, { path: planted.toString() })
    }
    const caches = ignored === 'taken' ? this.#caches : await this.#notIgnored(this.#caches)
    const without = caches.map((cache) => `:(top,exclude,literal)${cache}`)
    const env: Record<string, string> = without.length === 0 ? {} : { GIT_LITERAL_PATHSPECS: '0' }
    const force = ignored === 'taken' ? ['--force'] : []
    await this.run(['add', '--all', ...force, '--', '.', ...without], { env })
    const entries = await this.entries()
    for (const { mode, path: name } of entries) if (mode === SUBMODULE) await this.#refuseFilesIn(name)
    return entries
  }

  /** What the index holds. */
  async entries(): Promise<TreeEntry[]> {
    return readEntries(await this.run(['ls-files', '-z', '--stage']))
  }

  /** `git add` without `--force` fails where it is told to leave out a path that it ignores. */
  async #notIgnored(paths: readonly string[]): Promise<readonly string[]> {
    if (paths.length === 0) return []
    // It refuses paths that are said to be literal; behind `./` nothing of one is a sign.
    const env = { GIT_INDEX_FILE: this.file, GIT_LITERAL_PATHSPECS: '0' }
    const input = Buffer.from(paths.map((path) => `./${path}`).join('\0'))
    const args = [`--work-tree=${this.#tree}`, 'check-ignore', '-z', '--stdin']
    const { exitCode, stdout } = await this.#parts.mirror.run(args, { signal: null, cwd: this.#tree, env, input })
    // 1: it ignores none. What else there is, `git add` meets too.
    if (exitCode !== 0) return paths
    const ignored = new Set(stdout.text().split('\0'))
    return paths.filter((path) => !ignored.has(`./${path}`))
  }

  /** @param submodule as git lists it, one character per byte */
  async #refuseFilesIn(submodule: string): Promise<void> {
    const folder = Buffer.from(submodule, 'latin1')
    const [file] = await readdir(inTree(this.#tree, folder))
    if (file === undefined) return
    const message =
      `${folder.toString()} is a submodule, and ${folder.toString()}/${file} was written into it: it is another ` +
      'repository, and nothing of it can be committed here.'
    throw new Fault('change_out_of_scope', message, { path: folder.toString() })
  }
}

/** What every work tree is made with. */
export type WorkspaceParts = {
  mirror: Mirror
  /** Absolute path of a folder of the attempt's own; the tree and the index are in it. */
  folder: string
}

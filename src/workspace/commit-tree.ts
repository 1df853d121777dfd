import { Fault } from '../faults/fault.ts'
import type { Mirror } from '../git/mirror.ts'
import { fullSha } from '../git/ref-names.ts'
import type { BaseTree } from '../ports/proposal.ts'
import { recordsOf } from './nul-records.ts'

/** A file larger than this is not read: no model gets it and no edit is made to it. */
const MAX_FILE_BYTES = 10 * 1024 * 1024

type Entry = { mode: string; id: string }

const FOLDER = '040000'
const EXECUTABLE = '100755'

/** The tree of a commit of the mirror. Names are listed once, and only when all are asked for. */
export class CommitTree implements BaseTree {
  readonly sha: string
  readonly #mirror: Mirror
  #entries: Promise<ReadonlyMap<string, Entry>> | null = null
  /** The names of all, sorted. */
  #paths: Promise<readonly string[]> | null = null
  /** What was found on the way to the paths that were asked for one by one. */
  readonly #ways = new Map<string, ReadonlyMap<string, Entry>>()

  constructor(mirror: Mirror, sha: string) {
    this.#mirror = mirror
    this.sha = fullSha(sha)
  }

  list(): Promise<readonly string[]> {
    this.#paths ??= this.#all().then((entries) => [...entries.keys()].sort())
    return this.#paths
  }

  /** What git knows the files by. */
  async contents(): Promise<{ tree: string; files: ReadonlyMap<string, string> }> {
    const args = ['rev-parse', '--verify', '--quiet', `${this.sha}^{tree}`]
    const [{ stdout }, entries] = await Promise.all([this.#mirror.succeed(args, { signal: null }), this.#all()])
    return { tree: stdout.text().trim(), files: new Map([...entries].map(([name, { id }]) => [name, id])) }
  }

  #all(): Promise<ReadonlyMap<string, Entry>> {
    this.#entries ??= this.#listed(['-r'], [])
    return this.#entries
  }

  /** @throws {Fault} `scope_unreadable` for a symlink or a submodule on the way, `scope_too_large` above 10 MB */
  async read(path: string): Promise<Buffer | null> {
    const way = wayTo(path)
    if (way === null) return null
    const entries = await (this.#entries ?? this.#knownOnTheWay(path, way))
    refuseIndirect(path, way, entries)
    const entry = entries.get(path)
    return entry === undefined || entry.mode === FOLDER ? null : await this.#blob(path, entry.id)
  }

  async isExecutable(path: string): Promise<boolean> {
    const way = wayTo(path)
    if (way === null) return false
    const entries = await (this.#entries ?? this.#knownOnTheWay(path, way))
    return entries.get(path)?.mode === EXECUTABLE
  }

  /** As `#onTheWay`; git is asked once for each path, however much is asked of it. */
  async #knownOnTheWay(path: string, way: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
    const known = this.#ways.get(path)
    if (known !== undefined) return known
    const entries = await this.#onTheWay(path, way)
    this.#ways.set(path, entries)
    return entries
  }

  /** What stands on the way to a path, as far as it leads; not what lies beside it. */
  async #onTheWay(path: string, way: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
    const entries = await this.#listed(['-t'], [path])
    const next = way.find((prefix) => entries.get(prefix)?.mode !== FOLDER)
    if (next === undefined || next === path) return entries
    // Where a path leads through a link, git says nothing of it unless it is asked for the link itself.
    return this.#listed([], [next])
  }

  /**
   * Reads `ls-tree -z`: `mode SP type SP id TAB path`.
   *
   * @param paths empty: everything
   * @see https://git-scm.com/docs/git-ls-tree
   */
  async #listed(how: readonly string[], paths: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
    const args = ['ls-tree', ...how, '-z', '--full-tree', this.sha, '--', ...paths]
    const { stdout } = await this.#mirror.succeed(args, { signal: null })
    const entries = new Map<string, Entry>()
    for (const record of recordsOf(stdout.bytes())) {
      const tab = record.indexOf('\t')
      const [mode, , id] = record.slice(0, tab).split(' ')
      if (mode !== undefined && id !== undefined) entries.set(record.slice(tab + 1), { mode, id })
    }
    return entries
  }

  /** Reads `cat-file --batch`: `id SP type SP size LF`, then the content. What is too large is not kept. */
  async #blob(path: string, id: string): Promise<Buffer> {
    const call = {
      signal: null,
      input: `${fullSha(id)}\n`,
      maxOutputBytes: MAX_FILE_BYTES + 200,
      keep: 'head' as const,
    }
    const { stdout } = await this.#mirror.succeed(['cat-file', '--batch'], call)
    const output = stdout.bytes()
    const header = output.subarray(0, output.indexOf('\n'))
    const bytes = Number(header.toString().split(' ')[2])
    if (bytes > MAX_FILE_BYTES) {
      const message = `${path} has ${bytes} bytes; Moose reads files of up to ${MAX_FILE_BYTES}. Take it out of the scope.`
      throw new Fault('scope_too_large', message, { path, bytes })
    }
    return output.subarray(header.length + 1, header.length + 1 + bytes)
  }
}

/** The folders above a path and the path itself; null where no file can have this name. */
function wayTo(path: string): string[] | null {
  const segments = path.split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) return null
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'))
}

/** What is reached through a link or another repository is not this repository's to read. */
function refuseIndirect(path: string, way: readonly string[], entries: ReadonlyMap<string, Entry>): void {
  for (const prefix of way) {
    const mode = entries.get(prefix)?.mode
    if (mode !== '120000' && mode !== '160000') continue
    const what = mode === '120000' ? 'a symbolic link' : 'a submodule'
    const message = `${path} cannot be read: ${prefix} is ${what}. Name the real file in files_in_scope.`
    throw new Fault('scope_unreadable', message, { path, through: prefix })
  }
}

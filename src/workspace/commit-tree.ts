import { Fault } from '../errors.ts'
import type { Mirror } from '../git/mirror.ts'
import { fullSha } from '../git/ref-names.ts'
import type { BaseTree } from '../pipeline/ports/proposal.ts'
import { recordsOf } from './path-bytes.ts'

/** A file larger than this is not read: no model gets it and no edit is made to it. */
const MAX_FILE_BYTES = 10 * 1024 * 1024

type Entry = { mode: string; id: string; bytes: number }

/** The tree of a commit of the mirror. Names are listed once; contents are read file by file. */
export class CommitTree implements BaseTree {
  readonly sha: string
  readonly #mirror: Mirror
  #entries: Promise<ReadonlyMap<string, Entry>> | null = null

  constructor(mirror: Mirror, sha: string) {
    this.#mirror = mirror
    this.sha = fullSha(sha)
  }

  async list(): Promise<readonly string[]> {
    const entries = await this.#listed()
    return [...entries.keys()].sort()
  }

  /** @throws {Fault} `scope_unreadable` for a symlink or a submodule on the way, `scope_too_large` above 10 MB */
  async read(path: string): Promise<Buffer | null> {
    const entries = await this.#listed()
    refuseIndirect(path, entries)
    const entry = entries.get(path)
    if (entry === undefined) return null
    if (entry.bytes > MAX_FILE_BYTES) {
      const message = `${path} has ${entry.bytes} bytes; Moose reads files of up to ${MAX_FILE_BYTES}. Take it out of the scope.`
      throw new Fault('scope_too_large', message, { path, bytes: entry.bytes })
    }
    const args = ['cat-file', 'blob', fullSha(entry.id)]
    // Kept whole: the size is known and below the bound.
    const { stdout } = await this.#mirror.succeed(args, { signal: null })
    return stdout.bytes()
  }

  async #listed(): Promise<ReadonlyMap<string, Entry>> {
    this.#entries ??= listEntries(this.#mirror, this.sha)
    return await this.#entries
  }
}

/** Reads `ls-tree -r -z -l`: `mode SP type SP id SP size TAB path`. The size of a submodule is a dash. */
async function listEntries(mirror: Mirror, sha: string): Promise<ReadonlyMap<string, Entry>> {
  const { stdout } = await mirror.succeed(['ls-tree', '-r', '-z', '-l', '--full-tree', sha], { signal: null })
  const entries = new Map<string, Entry>()
  for (const record of recordsOf(stdout.bytes())) {
    const tab = record.indexOf('\t')
    const [mode, , id, size] = record.slice(0, tab).split(/ +/)
    if (mode === undefined || id === undefined) continue
    entries.set(record.slice(tab + 1), { mode, id, bytes: size === '-' ? 0 : Number(size) })
  }
  return entries
}

/** What is reached through a link or another repository is not this repository's to read. */
function refuseIndirect(path: string, entries: ReadonlyMap<string, Entry>): void {
  const segments = path.split('/')
  for (let depth = 1; depth <= segments.length; depth += 1) {
    const prefix = segments.slice(0, depth).join('/')
    const mode = entries.get(prefix)?.mode
    if (mode !== '120000' && mode !== '160000') continue
    const what = mode === '120000' ? 'a symbolic link' : 'a submodule'
    const message = `${path} cannot be read: ${prefix} is ${what}. Name the real file in files_in_scope.`
    throw new Fault('scope_unreadable', message, { path, through: prefix })
  }
}

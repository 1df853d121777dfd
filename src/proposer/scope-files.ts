import { isBinary, readTextFile, type TextFile, textProblem } from '../edits/text-file.ts'
import { Fault } from '../faults/fault.ts'
import type { BaseTree } from '../ports/proposal.ts'
import { isInScope, pathProblem } from '../work-order/scope.ts'

/** A path of the scope as it is at the base commit. */
export type ScopeFile =
  /** `lines` without their endings and without a byte order mark; `said`: what is unusual about it, such as `executable`. */
  | { kind: 'text'; path: string; lines: readonly string[]; said?: readonly string[] }
  | { kind: 'missing'; path: string }
  /** A folder in scope without any file yet. */
  | { kind: 'empty-folder'; path: string }
  /** Binary, in no encoding that can be told, or a link: it has no text to show. `why` completes "it …". */
  | { kind: 'opaque'; path: string; why: string }

const NAMED_SIZES = 10

/**
 * Everything the scope names, in its order; a folder stands for every file in it.
 *
 * @param maxBytes how much file content may be read in all
 * @throws {Fault} `files_in_scope_required`, `request_invalid` (an entry that is no path inside the repository),
 *   `scope_too_large` naming the sizes, `scope_unreadable` for a named link, and for a named text in an encoding that cannot
 *   be told
 */
export async function readScopeFiles(base: BaseTree, scope: readonly string[], maxBytes: number): Promise<ScopeFile[]> {
  checkScope(scope)
  const paths = await base.list()
  const entries = new Set(scope.flatMap((entry) => expand(entry, paths)))
  const files: ScopeFile[] = []
  const sizes = new Sizes(maxBytes)
  for (const path of entries) {
    if (path.endsWith('/')) files.push({ kind: 'empty-folder', path })
    else files.push(await readScopeFile(base, path, { named: scope.includes(path), sizes }))
  }
  return files
}

function checkScope(scope: readonly string[]): void {
  if (scope.length === 0) {
    throw new Fault('files_in_scope_required', 'files_in_scope required: name the files the order may change.')
  }
  for (const entry of scope) {
    const problem = pathProblem(entry)
    if (problem !== null) throw new Fault('request_invalid', `The path ${JSON.stringify(entry)} ${problem}.`)
  }
}

/** The files of a folder that an answer could name; the folder itself when there are none. */
function expand(entry: string, paths: readonly string[]): string[] {
  if (!entry.endsWith('/')) return [entry]
  const inside = paths.filter((path) => isInScope(path, [entry]) && pathProblem(path) === null)
  return inside.length === 0 ? [entry] : inside
}

async function readScopeFile(
  base: BaseTree,
  path: string,
  { named, sizes }: { named: boolean; sizes: Sizes },
): Promise<ScopeFile> {
  try {
    const bytes = await base.read(path)
    if (bytes === null) return { kind: 'missing', path }
    const why = textProblem(bytes)
    if (why !== null && named && !isBinary(bytes)) throw untold(path)
    if (why !== null) return { kind: 'opaque', path, why }
    sizes.add(path, bytes.byteLength)
    const text = readTextFile(bytes)
    const said = unusual(text, await base.isExecutable(path))
    const lines = text.lines.map((line) => line.text)
    return { kind: 'text', path, lines, ...(said.length === 0 ? {} : { said }) }
  } catch (error) {
    // A link that merely lies in a folder of the scope spoils nothing; one that was named does.
    if (named || !(error instanceof Fault) || error.code !== 'scope_unreadable') throw error
    return { kind: 'opaque', path, why: 'is a link or a submodule' }
  }
}

/** What edits may have to know of a file beside its lines. */
function unusual({ charset, lines }: TextFile, isExecutable: boolean): string[] {
  const { name, isGuessed } = charset
  return [
    ...(isExecutable ? ['executable'] : []),
    ...(lines.at(-1)?.ending === '' ? ['no final newline'] : []),
    ...(isGuessed ? ['not UTF-8: put in ASCII and characters that it has already, no others'] : []),
    ...(isGuessed || name === 'utf-8' ? [] : [name]),
  ]
}

function untold(path: string): Fault {
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const removal =
    folder === ''
      ? 'An order cannot delete or rename it there: do that by hand.'
      : `To have it deleted or renamed, name its folder in its place: ${folder}`
  const message =
    `${path} is not UTF-8, and its encoding cannot be told, so that its text cannot be edited. Nothing was paid for. ` +
    'Commit it as UTF-8 or UTF-16 with a byte order mark, or take it out of files_in_scope. ' +
    removal
  return new Fault('scope_unreadable', message, { path })
}

/** The bytes read so far; reading stops where they exceed the bound. */
class Sizes {
  readonly #maxBytes: number
  readonly #files: { path: string; bytes: number }[] = []
  #total = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  add(path: string, bytes: number): void {
    this.#files.push({ path, bytes })
    this.#total += bytes
    if (this.#total <= this.#maxBytes) return
    const largest = this.#files.toSorted((left, right) => right.bytes - left.bytes).slice(0, NAMED_SIZES)
    const named = largest.map((file) => `${file.path} ${file.bytes}`).join(', ')
    const message =
      `The files in scope are too large for one proposal: at least ${this.#total} bytes where ${this.#maxBytes} are allowed ` +
      `(the largest: ${named}). Name fewer or smaller files, split the order, or raise MOOSE_CONTEXT_MAX_BYTES.`
    throw new Fault('scope_too_large', message, { bytes: this.#total, max_bytes: this.#maxBytes })
  }
}

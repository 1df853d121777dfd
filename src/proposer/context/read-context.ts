import { readTextFile, textProblem } from '../../edits/text-file.ts'
import { toFault } from '../../faults/fault.ts'
import type { BaseTree, ShownFile } from '../../ports/proposal.ts'
import { withoutHidden } from '../../work-order/hidden-text.ts'
import { isInScope, pathProblem } from '../../work-order/scope.ts'
import { type Importer, importedFiles, type KnownFiles } from './imports.ts'

/** A file beside the scope, as it is shown. */
export type ContextFile = {
  path: string
  why: Exclude<ShownFile['why'], 'scope'>
  lines: readonly string[]
  bytes: number
  /** True: only its beginning is shown. */
  isCut: boolean
}

/** What may be shown beside the files in scope. */
export type ContextWish = {
  scope: readonly string[]
  /** Paths of the project and of the order; a folder ends with `/`. */
  wanted: readonly string[]
  /** The files in scope that have text. */
  importers: readonly Importer[]
  /** Tokens all of it may have. */
  tokens: number
}

/** Of program text, at least; so that what is taken for a number of tokens is no more than that. */
const BYTES_PER_TOKEN = 3
/** Of one file of guidance. */
const MOST_OF_GUIDANCE = 24_000
/** Bytes of such a file in which what its reader does not see is looked for; a comment may take much of them. */
const MOST_LOOKED_AT = 256 * 1024
/** A file that is imported and larger is no small one. */
const MOST_OF_IMPORT = 12_000
const MOST_IMPORTS = 20
/** Of the files of a folder. */
const MOST_WANTED = 100

/**
 * What a model is shown beside the files in scope, in this order and as long as there is room: guidance, the files that
 * project and order name, and files that those in scope import. A file that cannot be shown is passed over.
 *
 * @throws whatever reading the base commit throws that is not about one file
 */
export async function readContext(base: BaseTree, wish: ContextWish): Promise<ContextFile[]> {
  const paths = await base.list()
  const known = new Set(paths)
  const reader = new Reader(base, wish)
  for (const path of guidancePaths(wish.scope, (one) => known.has(one))) await reader.addGuidance(path)
  for (const path of expanded(wish.wanted, paths)) await reader.add(path, 'context', Number.POSITIVE_INFINITY)
  if (reader.hasRoom()) {
    const files = knownFiles(paths, known, await goModules(base, paths, wish.importers))
    const imported = importedFiles(wish.importers, files)
    for (const path of imported.slice(0, MOST_IMPORTS)) await reader.add(path, 'import', MOST_OF_IMPORT)
  }
  return reader.files
}

function expanded(wanted: readonly string[], paths: readonly string[]): string[] {
  const found = wanted.flatMap((entry) =>
    entry.endsWith('/') ? paths.filter((path) => path.startsWith(entry)) : [entry],
  )
  return [...new Set(found)].slice(0, MOST_WANTED)
}

class Reader {
  readonly files: ContextFile[] = []
  readonly #base: BaseTree
  readonly #scope: readonly string[]
  readonly #texts = new Set<string>()
  #bytesLeft: number
  /** What the project and the order name is not to be crowded out. */
  #guidanceLeft: number

  constructor(base: BaseTree, { scope, tokens }: ContextWish) {
    this.#base = base
    this.#scope = scope
    this.#bytesLeft = tokens * BYTES_PER_TOKEN
    this.#guidanceLeft = this.#bytesLeft / 2
  }

  hasRoom(): boolean {
    return this.#bytesLeft > 0
  }

  /** What a file holds; null: it is in scope or shown already, or has no text to show. */
  async #linesOf(path: string): Promise<readonly string[] | null> {
    if (isInScope(path, this.#scope) || pathProblem(path) !== null) return null
    if (this.files.some((file) => file.path === path)) return null
    const bytes = await readIfFile(this.#base, path)
    if (bytes === null || bytes.length === 0 || textProblem(bytes) !== null) return null
    return readTextFile(bytes).lines.map((line) => line.text)
  }

  /** Whole, or not at all. */
  async add(path: string, why: ContextFile['why'], mostBytes: number): Promise<void> {
    if (!this.hasRoom()) return
    const lines = await this.#linesOf(path)
    if (lines === null || bytesOf(lines) > Math.min(mostBytes, this.#bytesLeft)) return
    this.#take({ path, why, lines, isCut: false })
  }

  /** Its beginning where it is long; without what its reader does not see; once where another says the same. */
  async addGuidance(path: string): Promise<void> {
    if (!this.hasRoom()) return
    const lines = await this.#linesOf(path)
    if (lines === null) return
    const looked = beginningOf(lines, MOST_LOOKED_AT)
    const text = withoutHidden(looked.join('\n')).trim()
    if (text === '' || onlyRefersToOther(text) || this.#texts.has(text)) return
    this.#texts.add(text)
    const seen = text.split('\n')
    const kept = beginningOf(seen, Math.min(MOST_OF_GUIDANCE, this.#guidanceLeft))
    if (kept.length === 0) return
    const isCut = bytesOf(kept) < bytesOf(seen) || bytesOf(looked) < bytesOf(lines)
    this.#take({ path, why: 'guidance', lines: kept, isCut })
    this.#guidanceLeft -= bytesOf(kept)
  }

  #take(file: Omit<ContextFile, 'bytes'>): void {
    const bytes = bytesOf(file.lines)
    this.files.push({ ...file, bytes })
    this.#bytesLeft -= bytes
  }
}

function bytesOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0)
}

/** Whole lines; where those fill less than half of the room, the beginning of the next one too. */
function beginningOf(lines: readonly string[], mostBytes: number): readonly string[] {
  let bytes = 0
  const end = lines.findIndex((line) => {
    bytes += Buffer.byteLength(line) + 1
    return bytes > mostBytes
  })
  if (end === -1) return lines
  const whole = lines.slice(0, end)
  const room = mostBytes - bytesOf(whole) - 1
  const next = lines[end]
  if (next === undefined || room < mostBytes / 2) return whole
  const start = beginningOfLine(next, room)
  return start === '' ? whole : [...whole, start]
}

/**
 * Ends behind white space or a character beyond ASCII. Within a run of others may stand a secret, and half of one is not
 * found by what looks for it.
 */
function beginningOfLine(line: string, mostBytes: number): string {
  let bytes = 0
  let at = 0
  let end = 0
  for (const character of line) {
    bytes += Buffer.byteLength(character)
    if (bytes > mostBytes) break
    at += character.length
    if (/[\s\u0080-\u{10ffff}]/u.test(character)) end = at
  }
  return line.slice(0, end)
}

/** @returns null: there is none, or it is a link or too large, and nobody said that it has to be shown */
async function readIfFile(base: BaseTree, path: string): Promise<Buffer | null> {
  try {
    return await base.read(path)
  } catch (error) {
    const { code } = toFault(error)
    if (code === 'scope_unreadable' || code === 'scope_too_large') return null
    throw error
  }
}

function knownFiles(
  paths: readonly string[],
  known: ReadonlySet<string>,
  modules: KnownFiles['goModules'],
): KnownFiles {
  const byName = Map.groupBy(paths, (path) => path.slice(path.lastIndexOf('/') + 1))
  const byFolder = Map.groupBy(paths, (path) => path.slice(0, path.lastIndexOf('/') + 1))
  const orNone = (found: readonly string[] | undefined) => (found === undefined ? [] : found)
  return {
    has: (path) => known.has(path),
    named: (name) => orNone(byName.get(name)),
    inFolder: (folder) => orNone(byFolder.get(folder)),
    goModules: modules,
  }
}

const MOST_GO_MODULES = 20

async function goModules(
  base: BaseTree,
  paths: readonly string[],
  importers: readonly Importer[],
): Promise<KnownFiles['goModules']> {
  if (!importers.some(({ path }) => path.endsWith('.go'))) return []
  const modules: { folder: string; module: string }[] = []
  const files = paths.filter((path) => path === 'go.mod' || path.endsWith('/go.mod'))
  for (const path of files.slice(0, MOST_GO_MODULES)) {
    const bytes = await readIfFile(base, path)
    const text = bytes === null ? '' : bytes.toString('utf8').slice(0, MOST_OF_GUIDANCE)
    const module = /^module (\S{1,300})/m.exec(text)?.[1]
    if (module !== undefined) modules.push({ folder: path.slice(0, -'go.mod'.length), module })
  }
  return modules.toSorted((left, right) => right.module.length - left.module.length)
}

/** Files in which a repository says how its code is to be written; of one folder the first comes first. */
const GUIDANCE_NAMES = [
  'AGENTS.md',
  'CLAUDE.md',
  'GEMINI.md',
  '.github/copilot-instructions.md',
  '.cursorrules',
  '.windsurfrules',
  'CONVENTIONS.md',
] as const

const MOST_GUIDANCE = 20

/**
 * The guidance of the root, then that of the folders above each entry of the scope, the nearest last. The scope of one folder
 * does not say which of its files will change, so that what lies deeper in it is not looked for.
 *
 * @param exists whether the base commit has a file of this path
 */
function guidancePaths(scope: readonly string[], exists: (path: string) => boolean): string[] {
  const folders = new Set(['', ...scope.flatMap(foldersAbove)])
  const nearestLast = [...folders].toSorted((left, right) => depthOf(left) - depthOf(right) || compare(left, right))
  const paths = nearestLast.flatMap((folder) => GUIDANCE_NAMES.map((name) => `${folder}${name}`))
  return paths.filter(exists).slice(0, MOST_GUIDANCE)
}

/** A text that only leads to another of these files, as `@AGENTS.md`, says nothing itself. */
function onlyRefersToOther(text: string): boolean {
  const said = text.trim()
  return (
    said.length < 100 && GUIDANCE_NAMES.some((name) => [`@${name}`, `@./${name}`, name, `./${name}`].includes(said))
  )
}

/** Of `a/b/c.ts` and of `a/b/`: `a/` and `a/b/`. */
function foldersAbove(entry: string): string[] {
  const segments = entry.split('/').slice(0, -1)
  return segments.map((_, index) => `${segments.slice(0, index + 1).join('/')}/`)
}

function depthOf(folder: string): number {
  return folder.split('/').length
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

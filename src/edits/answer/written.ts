import type { Fault } from '../../faults/fault.ts'
import type { Edit, Replacement } from '../edit.ts'
import { saysTraits } from '../file-traits.ts'
import { tellsOfRest } from '../left-out.ts'
import type { ScopeNames } from '../scope-names.ts'
import { type AnswerLines, malformed, shownLine } from './answer-lines.ts'
import { exactHeader } from './headings.ts'
import { leadsToLater } from './left-to-people.ts'
import { fenceOf, markerOf } from './line-shapes.ts'

export const MAX_BLOCKS = 500
/** SEARCH/REPLACE pairs of all blocks together. */
export const MAX_REPLACEMENTS = 2_000

/** A sentence that says of a file that it stays as it is. */
const CHANGES_NOTHING =
  /^\W*(?:this (?:file )?|there (?:is|are) |it )?(?:(?:needs |requires |has )?(?:no|nothing|none)(?: (?:other|further|more|else|additional|code|file))?(?: (?:changes?|edits?|modifications?|updates?))?(?: (?:to (?:be )?(?:changed?|do(?:ne)?|edit(?:ed)?|update)|is|are|was|were))?(?: (?:needed|required|necessary|made))?|(?:is |stays |remains |left )?(?:unchanged|as (?:it )?is)|(?:is |are )?not (?:changed|touched|modified|needed|necessary|required)|(?:is )?already (?:done|correct|right|in place|present|there|implemented|up to date))(?: (?:here|(?:in|to|for) (?:this|the|that) file|at all))?(?:\s*(?:[.!,;:)]|[—–-]+\s|\b(?:because|since|as)\b)|$)/i
/** What asks for a change behind it. */
const ASKS =
  /(?:^|[.!;:,]\s+|\b(?:and|then|please)\s+)(?:add|replace|change|remove|insert|append|prepend|delete|set|rename|move|use|update|make|put)\b|\b(?:although|though|from now on|(?:only|just) \S{1,200} to|except|besides|other than|apart from|but)\b/im
const MOST_WORDS = 2_000
/** How far above a line of a list or of a fence its lead is looked for. */
const LEAD_WITHIN = 15
/** A heading, or a line that ends in a colon. */
const LEAD = /^\s{0,3}(?:#{1,6}\s|\*\*[^*]{1,200}\*\*\s{0,3}$)|:[*_]{0,3}\s{0,3}$/
/** A line of words that is no item and ends as a sentence does. */
const SENTENCE = /^(?!\s*(?:[-*+]|\d{1,3}[.)])\s)[^\n]*[.!?][*_)]{0,3}\s{0,3}$/

/** Where a block stands: in a fence with its header, on its own, or under a title that is no header. */
type Place = 'fenced' | 'bare' | 'titled'

/** The blocks of an answer so far. */
export class Written {
  readonly #names: ScopeNames
  #edits: Edit[] = []
  #pairs = 0
  /** The pairs of the last block, where it is an edit. */
  #replacements: Replacement[] = []
  /** Of the last block, where it has no pair yet: the words after its header. */
  #words = ''
  /** The first blocks without a fence around all of it, that is in a fence. */
  #first: { fenced: Edit | null; bare: Edit | null } = { fenced: null, bare: null }
  #place: Place = 'bare'

  constructor(names: ScopeNames) {
    this.#names = names
  }

  /** Number of the block in hand; 0: none has begun. */
  get block(): number {
    return this.#edits.length
  }

  /** Whether the last block is an edit without a pair. */
  get awaitsPairs(): boolean {
    return this.withoutPair !== null && !this.#saysTraits
  }

  /** The file of the last block, where that is an edit without a pair; null: it is not. */
  get withoutPair(): string | null {
    return this.#edits.at(-1)?.kind === 'edit' && this.#replacements.length === 0 ? this.currentPath : null
  }

  /** Whether the last block is an edit that changes something without a pair. */
  get #saysTraits(): boolean {
    const edit = this.#edits.at(-1)
    return edit?.kind === 'edit' && saysTraits(edit)
  }

  /** The file that further pairs change; null: none is in hand. */
  get currentPath(): string | null {
    const edit = this.#edits.at(-1)
    if (edit?.kind === 'rename') return this.#meant(edit.to)
    return edit?.kind === 'edit' ? this.#meant(edit.path) : null
  }

  /** Ends the block in hand. @returns the number of the next */
  begin(line: number, place: Place): number {
    this.#end()
    if (this.#edits.length >= MAX_BLOCKS) throw malformed(0, line, `it has more than ${MAX_BLOCKS} blocks`)
    this.#place = place
    return this.#edits.length + 1
  }

  add(edit: Edit): void {
    this.#edits.push(edit)
    this.#replacements = edit.kind === 'edit' ? [...edit.replacements] : []
    this.#words = ''
    if (this.#place === 'fenced') this.#first.fenced ??= edit
    // A file is written with a fence of its own, so that it says nothing of the others.
    if (this.#place === 'bare' && edit.kind !== 'write') this.#first.bare ??= edit
  }

  /** Notes words behind a fence: where they tell of more than it holds, its lines must show that it is a whole file. */
  addBehind(line: string): void {
    const edit = this.#edits.at(-1)
    if (edit?.kind !== 'write' || edit.mayReplace !== 'said' || !tellsOfRest(line)) return
    this.#edits.splice(-1, 1, { ...edit, mayReplace: 'likely' })
  }

  /** Blocks of another form. @param at index of the line they start at */
  addAll(edits: readonly Edit[], at: number): void {
    for (const edit of edits) {
      if (this.#edits.length >= MAX_BLOCKS) throw malformed(0, at + 1, `it has more than ${MAX_BLOCKS} blocks`)
      if (edit.kind === 'edit') this.#countPairs(edit.replacements.length, at + 1)
      this.add(edit)
    }
  }

  /** Takes the header of an edit without a pair back, because a diff stands for them. @returns its path */
  takeHeader(): string | null {
    if (!this.awaitsPairs) return null
    const path = this.currentPath
    this.#edits.pop()
    return path
  }

  addPair(pair: Replacement): void {
    const edit = this.#edits.at(-1)
    this.#countPairs(1, pair.line)
    if (edit?.kind === 'rename')
      this.add({ kind: 'edit', block: edit.block, line: edit.line, path: edit.to, replacements: [] })
    else if (edit?.kind !== 'edit')
      throw malformed(this.#edits.length, pair.line, 'a SEARCH marker stands outside of an "### edit path" block')
    this.#replacements.push(pair)
  }

  /** What is no pair, in the place of one. @throws {Fault} `edits_malformed` */
  refuseOtherThanPairs(): void {
    const edit = this.#edits.at(-1)
    if (edit !== undefined && this.awaitsPairs) throw withoutPairs(edit)
  }

  addWords(line: string): void {
    if (this.#words.length < MOST_WORDS && this.awaitsPairs && line.trim() !== '') this.#words += `${line.trim()}\n`
  }

  finish(): Edit[] {
    this.#end()
    const { fenced, bare } = this.#first
    if (fenced !== null && bare !== null && fenced.kind !== 'write')
      throw malformed(
        fenced.block,
        fenced.line,
        `this block stands in a fence and others do not, so that it may be an example. Write blocks without fences around them, and leave examples out`,
      )
    return this.#edits
  }

  #end(): void {
    const edit = this.#edits.at(-1)
    if (edit?.kind !== 'edit') return
    if (this.#replacements.length > 0) {
      this.#edits[this.#edits.length - 1] = { ...edit, replacements: this.#replacements }
      return
    }
    if (this.#saysTraits) return
    const remark = /\(([^()]*)\)$/.exec(edit.path)?.[1] ?? ''
    const words = `${remark}\n${this.#words}`.trim()
    if (!CHANGES_NOTHING.test(words) || ASKS.test(words)) throw withoutPairs(edit)
    this.#edits.pop()
  }

  #countPairs(count: number, line: number): void {
    this.#pairs += count
    if (this.#pairs > MAX_REPLACEMENTS) throw malformed(0, line, `it has more than ${MAX_REPLACEMENTS} pairs`)
  }

  #meant(path: string): string {
    return this.#names.meantBy(path) ?? path
  }
}

function withoutPairs({ block, line }: Edit): Fault {
  return malformed(block, line, 'the edit block has no SEARCH/REPLACE pair')
}

/** A line that reads like a change of files and is no block; `isMode`: of their mode. Folders end in a slash. */
type Claim = { at: number; text: string; paths: readonly string[]; what: 'change' | 'mode' | 'rewrite' | 'removal' }

/** What reads like a change outside of blocks. It is mere words where a block changes the same files. */
export class Claims {
  readonly #lines: AnswerLines
  readonly #names: ScopeNames
  readonly #claims: Claim[] = []
  readonly #modes: { at: number; path: string; executable: boolean }[] = []

  constructor(lines: AnswerLines, names: ScopeNames) {
    this.#lines = lines
    this.#names = names
  }

  add(at: number, text: string, ...paths: readonly string[]): void {
    if (paths.length > 0 && !this.#isForLater(at)) this.#claims.push({ at, text, paths, what: 'change' })
  }

  /** What reads as if files had another mode. */
  addMode(at: number, text: string, ...paths: readonly string[]): void {
    if (paths.length > 0 && !this.#isForLater(at)) this.#claims.push({ at, text, paths, what: 'mode' })
  }

  /** What commands do to files beside what blocks do: new text, which no block takes the place of, and removals. */
  addSure(
    at: number,
    { text, rewritten, removed }: { text: string; rewritten: readonly string[]; removed: readonly string[] },
  ): void {
    if (rewritten.length + removed.length === 0 || this.#isForLater(at)) return
    this.#claims.push({ at, text, paths: rewritten, what: 'rewrite' }, { at, text, paths: removed, what: 'removal' })
  }

  /** Whether a heading, or a line that ends in a colon, leads to a line and leaves it to a person. */
  #isForLater(at: number): boolean {
    let fences = 0
    for (let above = at - 1; above >= Math.max(0, at - LEAD_WITHIN); above -= 1) {
      const line = String(this.#lines.line(above))
      if (fenceOf(line) !== null) fences += 1
      if (fences > 1 || markerOf(line) !== null || exactHeader(line) !== null) return false
      if (LEAD.test(line)) return leadsToLater(line)
      if (SENTENCE.test(line)) return false
    }
    return false
  }

  /** A command that sets the mode of files, which it says as plainly as a block. */
  addModes(at: number, { paths, executable }: { paths: readonly string[]; executable: boolean }): void {
    for (const path of paths) this.#modes.push({ at, path, executable })
  }

  /** The modes that commands set and no block does. @param edits the blocks of the answer */
  modes(edits: readonly Edit[]): Edit[] {
    const known = this.#saidModes(edits)
    for (const { at, path, executable } of this.#modes) {
      if (known.has(path) && known.get(path) !== executable)
        throw malformed(0, at + 1, `a command and another or a block say opposite modes of "${path}"`)
    }
    const done = new Set(known.keys())
    return this.#modes
      .filter(({ path }) => !done.has(path))
      .map(({ at, path, executable }, index) => {
        if (!known.has(path)) known.set(path, executable)
        return { kind: 'edit', block: edits.length + index + 1, line: at + 1, path, executable, replacements: [] }
      })
  }

  /** @throws {Fault} `edits_malformed` naming the first line that no block carries out */
  settle(edits: readonly Edit[], modes: readonly Edit[]): void {
    const touched = this.#withFolders(
      edits.flatMap((edit) => (edit.kind === 'rename' ? [edit.path, edit.to] : [edit.path])),
    )
    const done = {
      change: touched,
      mode: this.#withFolders([...this.#saidModes([...edits, ...modes]).keys()]),
      removal: this.#withFolders(
        edits.flatMap((edit) => (edit.kind === 'delete' || edit.kind === 'rename' ? [edit.path] : [])),
      ),
      rewrite: new Set<string>(),
    }
    const left = this.#claims.find(({ paths, what }) => !paths.every((path) => done[what].has(path)))
    if (left === undefined) return
    const path = left.paths.find((name) => !done[left.what].has(name))
    const [change, how] =
      left.what === 'mode'
        ? ['change of the mode', 'Say it in brackets behind the path of a block, as "### edit path (executable)"']
        : ['change', 'Write every change as a block that starts with a line like "### edit path"']
    const what = `"${shownLine(left.text)}" reads like a ${change} of "${path}", which no block makes. ${how}`
    throw malformed(0, left.at + 1, what)
  }

  /** The modes that blocks say, by path. @throws {Fault} `edits_malformed` for two that are opposite */
  #saidModes(edits: readonly Edit[]): Map<string, boolean> {
    const said = new Map<string, boolean>()
    for (const edit of edits) {
      if (edit.kind === 'delete' || edit.executable === undefined) continue
      const written = edit.kind === 'rename' ? edit.to : edit.path
      const path = this.#names.meantBy(written) ?? written
      if (said.has(path) && said.get(path) !== edit.executable)
        throw malformed(edit.block, edit.line, `this block and an earlier one say opposite modes of "${path}"`)
      said.set(path, edit.executable)
    }
    return said
  }

  #withFolders(paths: readonly string[]): Set<string> {
    const all = new Set<string>()
    for (const path of paths.flatMap((written) => [written, String(this.#names.meantBy(written))])) {
      all.add(path)
      for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) all.add(path.slice(0, at + 1))
    }
    return all
  }
}

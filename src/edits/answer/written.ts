import type { Fault } from '../../faults/fault.ts'
import type { Edit, Replacement } from '../edit.ts'
import { saysTraits } from '../file-traits.ts'
import { tellsOfRest } from '../left-out.ts'
import type { ScopeNames } from '../scope-names.ts'
import { malformed } from './answer-lines.ts'

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

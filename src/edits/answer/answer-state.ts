import type { Fault } from '../../faults/fault.ts'
import type { Edit } from '../edit.ts'
import { splitTraits, type Traits } from '../file-traits.ts'
import type { ScopeNames } from '../scope-names.ts'
import { type AnswerLines, malformed, shownLine } from './answer-lines.ts'
import {
  hasSignOfDiff,
  heldBy,
  isLostFromDiff,
  isSentence,
  type LinesOfDiff,
  linesOfDiff,
  mayBelong,
} from './behind-end.ts'
import { Claims } from './claims.ts'
import { FenceContents } from './fence-content.ts'
import { Gap } from './gap.ts'
import { exactHeader, type Title } from './headings.ts'
import { fenceOf, markerOf } from './line-shapes.ts'
import { startsDiff } from './read-diff.ts'
import { startsPatch } from './read-patch.ts'
import { Written } from './written.ts'

type WithoutPlace<Block> = Block extends Edit ? Omit<Block, 'block' | 'line'> : never
/** A block under a title, which stands where its content does. */
type Titled = WithoutPlace<Edit>

/** An answer as far as it has been read. */
export class AnswerState {
  readonly prose: string[] = []
  readonly lines: AnswerLines
  readonly names: ScopeNames
  readonly written: Written
  readonly claims: Claims
  readonly contents: FenceContents
  readonly gap: Gap
  /** Lines that close the fences around edits that are open, the innermost last. */
  readonly open: { mark: string; closing: number }[] = []

  /**
   * The last block, where it was a diff or a patch: whether words outside of it name its file, and whether words or the end
   * of a fence stand behind it.
   */
  diff: { isOwned: boolean; lines: LinesOfDiff; isApart: boolean } | null = null

  constructor(lines: AnswerLines, names: ScopeNames) {
    this.lines = lines
    this.names = names
    this.claims = new Claims(lines, names)
    this.contents = new FenceContents(lines)
    this.gap = new Gap(names)
    this.written = new Written(names)
  }

  /** The fault of a line, by its index. */
  refusal(at: number, why: string): Fault {
    return malformed(this.written.block, at + 1, why)
  }

  /** Behind the last line of what a diff or a patch may take. */
  get limit(): number {
    const closing = this.open.at(-1)?.closing ?? this.lines.all.length
    return closing > this.lines.at ? closing : this.lines.all.length
  }

  addTitled(at: number, edit: Titled): void {
    this.diff = null
    const block = this.written.begin(at + 1, 'titled')
    this.written.add({ ...edit, block, line: at + 1 })
  }

  /**
   * Ends a diff or a patch.
   *
   * @param options.isOpen whether only what stands there says where it ends
   * @throws {Fault} `edits_malformed` where a line behind it may be one of its lines
   */
  endDiff(edits: readonly Edit[], { isOwned, isOpen }: { isOwned: boolean; isOpen: boolean }): void {
    const held = heldBy(edits)
    this.diff = { isOwned, lines: linesOfDiff(held), isApart: false }
    this.passFences()
    this.gap.clear()
    this.prose.push('')
    const next = isOpen ? this.lines.nextWord(this.lines.at) : this.lines.at
    const line = this.lines.line(next) ?? ''
    if (line.trim() === '' || fenceOf(line) !== null || markerOf(line) !== null || exactHeader(line) !== null) return
    if (startsPatch(line) || startsDiff(this.lines, next)) return
    const after = { line, next: this.lines.line(next + 1) ?? '' }
    if (hasSignOfDiff(line) || mayBelong(after, held, this.names)) throw this.refusal(next, BEHIND_DIFF)
  }

  /** @throws {Fault} `edits_malformed` where a line of words farther behind a diff looks like one of its lines */
  refuseOfDiff(at: number, line: string): void {
    if (this.diff === null) return
    const { lines, isApart } = this.diff
    const next = this.lines.line(at + 1) ?? ''
    const before = at === 0 ? '' : String(this.lines.line(at - 1)).trim()
    const isInList = before === '' || before.endsWith(':') || before.startsWith('- ')
    if (isLostFromDiff(line, { next, isApart, isInList }, lines)) throw this.refusal(at, BEHIND_DIFF)
    this.diff.isApart ||= before === '' && isSentence(line)
  }

  /** What a line says of a file beside its text. @throws {Fault} `edits_malformed` for words that only look like that */
  traitsOf(at: number, { traits, unclear }: Pick<Title, 'traits' | 'unclear'>): Traits {
    if (unclear === null) return traits
    throw this.refusal(at, `"(${shownLine(unclear)})" is not understood. ${TRAITS}`)
  }

  /** The path of a header, and what stands in brackets behind it. @throws {Fault} as `traitsOf` */
  withTraits(at: number, text: string): Traits & { path: string } {
    const { path, ...said } = splitTraits(text, this.names)
    return { path, ...this.traitsOf(at, said) }
  }

  /** A pair or a file may hold what was taken for the end of a fence around it. */
  passFences(): void {
    for (const [depth, { mark, closing }] of [...this.open.entries()].toReversed()) {
      if (closing >= this.lines.at) continue
      const next = this.lines.closing(mark, this.lines.at - 1)
      this.open.splice(depth, 1, ...(next === null ? [] : [{ mark, closing: next }]))
    }
  }

  /** Takes a line for prose. */
  pass(at: number): void {
    this.prose.push(String(this.lines.line(at)))
    this.lines.at = at + 1
  }
}

const BEHIND_DIFF = 'this line stands behind the end of a diff and looks like a line of it'
const TRAITS = 'Behind a path may stand "(executable)", "(not executable)", "(final newline)" or "(no final newline)"'

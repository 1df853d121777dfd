import { plainText } from '../../redaction/plain-text.ts'
import { LONGEST_NAME } from '../reports/report-reader.ts'
import type { Block, FailureFormat, FailureKind, Line, Opening, Worth } from './failure-format.ts'
import { failureIdentity } from './failure-identity.ts'
import { errorWithStack, formatters, mention } from './formats/generic.ts'
import { go } from './formats/go.ts'
import { java } from './formats/java.ts'
import { jest, mocha, nodeCrash, nodeSpec, tap, vitest } from './formats/javascript.ts'
import { eslint, located, tsc } from './formats/located.ts'
import { pytest, python } from './formats/python.ts'
import { rust } from './formats/rust.ts'
import { KeptFailures, KnownFailures } from './kept-failures.ts'
import { shortened, toldText } from './told-text.ts'

/** Read at once; control sequences come off a piece of so many characters. */
const PIECE = 64 * 1024
/** Of a longer line the rest is not looked at. A secret that begins in what is told of it ends in what is looked at. */
const LONGEST_LINE = 8 * 1024
const MOST_OF_LINE = 500
/** Characters that a secret may have. */
const LONGEST_SECRET = 512
/** Each takes some microseconds, in which this process does nothing else; of what comes behind the end is kept. */
const MOST_LINES_READ = 1_000_000
const HEAD_LINES = 20
const TAIL_LINES = 40
const LAST_LINES = 5
/** Of what is behind the lines that are read. */
const LONGEST_LAST_LINE = 500
/** Kept of one failure, by what they are worth; `old`: of what the base has too. */
const MOST_LINES: Record<Worth | 'old', number> = { key: 30, detail: 40, context: 16, none: 0, old: 30 }
const MOST_OF_NAME = 200
/** Failures that are told apart. */
const MOST_KNOWN = 5_000
/** Times and addresses differ where the same failure is told twice. */
const VARYING = /\b0x[\da-f]{1,16}\b|(?<![\d.])\d[\d.]{0,20} ?m?s\b/gi

const REPORTING = [
  pytest,
  python,
  go,
  rust,
  java,
  jest,
  vitest,
  nodeSpec,
  tap,
  mocha,
  tsc,
  eslint,
  located,
  formatters,
  nodeCrash,
]

/**
 * The useful part of what a failing check prints: failing assertions and first errors by the formats of the usual tools, then
 * errors with their stacks, then lines that say so in words; where there are none, the beginning and the end. Memory is
 * bounded and time is linear, whatever is printed.
 */
export class FailureExcerpt {
  readonly #root: string
  readonly #redacted: (text: string) => string
  readonly #formats: readonly FailureFormat[] = REPORTING.map((format) => format())
  readonly #before: KnownFailures
  readonly #kept: KeptFailures
  readonly #known = new Set<string>()
  readonly #head: string[] = []
  readonly #tail: string[] = []
  /** The last ones that belong to nothing, behind the last failure. */
  readonly #last: string[] = []
  #open: Open | null = null
  /** Those that are not empty. */
  #lines = 0
  #linesRead = 0
  #rest = ''
  /** The rest of a line that is too long. */
  #isSkipping = false

  /**
   * @param root absolute path of the tree the check runs in: it is left out of what is told
   * @param redacted takes secrets out of a line before it is cut
   * @param before what fails on the base
   */
  constructor(root: string, redacted: (text: string) => string, before = new KnownFailures([])) {
    this.#root = `${root}/`
    this.#redacted = redacted
    this.#before = before
    this.#kept = new KeptFailures(before)
  }

  /** @param text output in pieces, as it comes */
  add(text: string): void {
    for (let at = 0; at < text.length; at += PIECE) this.#piece(text.slice(at, at + PIECE))
  }

  /**
   * At the end of the output: at most `maxBytes` of plain text. What the base does not have comes first, and what it has is
   * counted and named alone.
   */
  read(maxBytes: number, { reported, added, old }: Judged = NOT_JUDGED): string {
    if (this.#rest !== '') this.#take(this.#rest)
    this.#rest = ''
    this.#close()
    const { traces, mentions } = this.#kept
    const shown = (lines: readonly string[]) => lines.map((line) => this.#shown(line))
    const ends = { head: shown(this.#head), tail: shown(this.#tail), last: shown(this.#last) }
    const between = this.#lines - ends.head.length - ends.tail.length
    const { before, ...sorted } = this.#kept.sorted(this.#cleaned(reported), added)
    const told = { ...sorted, before: shown(before.map(plainText)), traces, mentions, ...ends, between }
    return toldText({ ...told, old: added.length === 0 ? 0 : old }, maxBytes)
  }

  /**
   * After `read`: equal for the same failures, whatever else was printed. What the base has counts only where nothing was
   * added.
   *
   * @returns null: no tool that is known reported one
   */
  identity({ reported, added }: Pick<Judged, 'reported' | 'added'> = NOT_JUDGED): string | null {
    const { reported: first, failures } = this.#kept.sorted(this.#cleaned(reported), added)
    return failureIdentity([...first, ...failures, ...this.#kept.traces])
  }

  #cleaned(blocks: readonly Block[]): Block[] {
    return blocks.map((block) => block.map((line) => ({ ...line, text: this.#shown(plainText(line.text)) })))
  }

  #piece(piece: string): void {
    const end = piece.lastIndexOf('\n')
    if (end === -1) {
      if (!this.#isSkipping) this.#rest += piece
    } else {
      const first = this.#isSkipping ? piece.indexOf('\n') : 0
      this.#take(this.#rest + piece.slice(first, end))
      this.#rest = piece.slice(end + 1)
      this.#isSkipping = false
    }
    if (this.#rest.length <= LONGEST_LINE) return
    // It may hold ends of lines (CR), and so a short line that is cut: what a cut may leave of a secret goes.
    this.#rest = this.#redacted(plainText(this.#rest.slice(0, LONGEST_LINE))).slice(0, -LONGEST_SECRET)
    this.#isSkipping = true
  }

  #take(text: string): void {
    if (this.#linesRead > MOST_LINES_READ) {
      this.#takeEnd(text)
      return
    }
    const lines = plainText(text).split('\n')
    this.#linesRead += lines.length
    for (const line of lines) this.#line(line.slice(0, LONGEST_LINE).trimEnd())
  }

  /** How many lines there are is no longer counted. */
  #takeEnd(text: string): void {
    this.#close()
    const end = plainText(text.slice(-TAIL_LINES * LONGEST_LAST_LINE))
      .split('\n')
      .slice(1)
      .slice(-TAIL_LINES)
    for (const line of end) this.#keepEnds(line.trimEnd())
    this.#last.splice(0, Number.POSITIVE_INFINITY, ...end.slice(-LAST_LINES))
  }

  #line(line: string): void {
    this.#keepEnds(line)
    if (!this.#claim(line) && line !== '') this.#last.push(line)
    if (this.#last.length > LAST_LINES) this.#last.shift()
  }

  /** @returns whether it is told, or left out, as a part of something */
  #claim(line: string): boolean {
    let opened: Opening | null = null
    for (const format of this.#formats) {
      const opening = format(line)
      if (opened === null) opened = opening
    }
    if (opened === null && this.#open !== null) {
      this.#open.at += 1
      const worth = this.#open.opening.next(line, this.#open.at)
      if (worth !== null) {
        this.#keep(this.#open, { text: line, worth })
        return this.#open.opening.kind !== 'mention'
      }
    }
    this.#close()
    if (opened === null) opened = errorWithStack(line)
    if (opened === null) opened = mention(line)
    if (opened === null) return false
    this.#open = { opening: opened, lines: [], at: 0, room: { ...MOST_LINES } }
    for (const one of opened.lines) this.#keep(this.#open, one)
    return opened.kind !== 'mention'
  }

  #keepEnds(line: string): void {
    if (line === '') return
    this.#lines += 1
    if (this.#head.length < HEAD_LINES) this.#head.push(line)
    else this.#tail.push(line)
    if (this.#tail.length > TAIL_LINES) this.#tail.shift()
  }

  #keep({ opening, lines, at, room }: Open, { text, worth }: Line): void {
    if (worth === 'none') return
    const name = opening.called?.(text, at)
    const called = name === undefined || name === null ? {} : { called: [comparable(name.replaceAll(this.#root, ''))] }
    const kind = this.#before.has(called) ? 'old' : worth
    if (room[kind] === 0) return
    room[kind] -= 1
    lines.push({ text: this.#shown(text), worth, ...called })
  }

  /** Without the tree's own path and without secrets; a copy, because a part of a text keeps all of it. */
  #shown(text: string): string {
    const told = this.#redacted(text).replaceAll(`file://${this.#root}`, '').replaceAll(this.#root, '')
    return Buffer.from(shortened(told, MOST_OF_LINE)).toString('utf8')
  }

  #close(): void {
    if (this.#open === null) return
    const { opening, lines } = this.#open
    this.#open = null
    const kind = kindOf(opening, lines)
    if (kind === 'noise') return
    const [first] = lines
    const name = first === undefined ? '' : shortened(first.text, MOST_OF_NAME)
    if (kind === 'name') {
      this.#kept.keepName(lines, name)
      return
    }
    if (kind !== 'mention') this.#last.splice(0)
    const identity = identityOf(lines)
    if (this.#known.has(identity)) return
    if (this.#known.size < MOST_KNOWN) this.#known.add(identity)
    this.#kept.keep(kind, lines, name)
  }
}

type Open = { opening: Opening; lines: Line[]; at: number; room: Record<Worth | 'old', number> }

/** What is known of the failures at the end of a check. */
export type Judged = {
  /** Those of the report that it wrote, which come first. */
  reported: readonly Block[]
  /** Names of what the base does not have; empty: old and new are not told apart, or nothing is new. */
  added: readonly string[]
  /** How many the base has as well. */
  old: number
}

/** A copy, no longer than it takes to be too long: it is compared, and so secrets in it come out where it is told. */
function comparable(name: string): string {
  return Buffer.from(name.slice(0, LONGEST_NAME + 1)).toString('utf8')
}

const NOT_JUDGED: Judged = { reported: [], added: [], old: 0 }

/** A failure of which nothing but its name is told is one. */
function kindOf({ kind, settled }: Opening, lines: readonly Line[]): FailureKind {
  if (settled !== undefined) return settled(lines)
  if (kind !== 'failure') return kind
  return lines.slice(1).some(({ worth }) => worth !== 'context') ? 'failure' : 'name'
}

const MOST_OF_IDENTITY = 300

function identityOf(lines: readonly Line[]): string {
  const said = lines.filter(({ worth }, index) => index === 0 || worth !== 'context')
  return said
    .map(({ text }) => text.replace(VARYING, '').replace('[ERROR]', '').trim())
    .join('\n')
    .slice(0, MOST_OF_IDENTITY)
}

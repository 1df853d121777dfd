import type { Edit } from '../edit.ts'
import type { ScopeNames } from '../scope-names.ts'
import { type AnswerLines, malformed, shownLine } from './answer-lines.ts'
import { type Content, callsTool, changedByCommand, contentOf, fileNamedIn, isShell } from './fence-content.ts'
import { Gap } from './gap.ts'
import { exactHeader, type Header, renamed, type Title, titleOf } from './headings.ts'
import { rangesOf } from './hunks.ts'
import { type FenceLine, fenceOf, looksLikeCode, markerOf } from './line-shapes.ts'
import { readBody } from './read-body.ts'
import { isHunkHeader, readDiff, startsDiff } from './read-diff.ts'
import { readPair } from './read-pair.ts'
import { readPatch, startsPatch } from './read-patch.ts'
import { Claims, Written } from './written.ts'

/**
 * Goes through the lines of an answer and takes each for a block, a pair, a fence, a foreign form of change, or prose.
 * What looks like a change and cannot be told is a fault: no line that was meant as one is passed over.
 */
export class AnswerReader {
  readonly prose: string[] = []
  readonly #lines: AnswerLines
  readonly #names: ScopeNames
  readonly #written: Written
  readonly #claims: Claims
  readonly #gap: Gap
  /** Lines that close the fences around edits that are open, the innermost last. */
  readonly #open: { mark: string; closing: number }[] = []

  constructor(lines: AnswerLines, names: ScopeNames) {
    this.#lines = lines
    this.#names = names
    this.#claims = new Claims(names)
    this.#gap = new Gap(names)
    this.#written = new Written(names)
  }

  read(): Edit[] {
    while (this.#lines.at < this.#lines.all.length) {
      const { at } = this.#lines
      this.#readLine(String(this.#lines.line(at)))
      if (this.#lines.at <= at) throw new RangeError(`line ${at + 1} was not read`)
    }
    const edits = this.#written.finish()
    if (edits.length > 0) this.#claims.settle(edits)
    return edits
  }

  #readLine(line: string): void {
    const at = this.#lines.at
    const header = exactHeader(line)
    if (header !== null) return this.#readBlock(header)
    if (startsPatch(line)) return this.#readPatch(this.#limit)
    if (startsDiff(this.#lines, at) || this.#isHunk(line)) return this.#readDiff(this.#limit)
    const marker = markerOf(line)
    if (marker?.role === 'open') return this.#readPair()
    if (marker !== null && marker.role !== 'divider') throw malformed(this.#written.block, at + 1, strayMarker(line))
    const fence = fenceOf(line)
    if (fence !== null) return this.#readFence(fence)
    this.#readWords(line)
  }

  #isHunk(line: string): boolean {
    return isHunkHeader(line) && (this.#written.awaitsPairs || rangesOf(line) !== null)
  }

  /** Behind the last line of what a diff or a patch may take. */
  get #limit(): number {
    const closing = this.#open.at(-1)?.closing ?? this.#lines.all.length
    return closing > this.#lines.at ? closing : this.#lines.all.length
  }

  #readBlock({ verb, rest }: Header): void {
    const line = this.#lines.at + 1
    this.#lines.at = line
    const block = this.#written.begin(line, this.#open.length > 0 ? 'fenced' : 'bare')
    this.#gap.clear()
    this.prose.push('')
    if (rest === '') throw malformed(block, line, `the header "### ${verb}" names no path`)
    const place = { block, line }
    if (verb === 'rename') {
      const names = renamed(rest)
      if (names === null) throw malformed(block, line, 'a rename names two paths: "### rename old/path -> new/path"')
      const [path, to] = names
      return this.#written.add({ ...place, kind: verb, path, to })
    }
    if (verb === 'write' && this.#pairFollows())
      return this.#written.add({ ...place, kind: 'edit', path: rest, replacements: [] })
    if (verb === 'write')
      return this.#written.add({ ...place, kind: verb, path: rest, body: readBody(this.#lines, block, rest) })
    this.#written.add(
      verb === 'edit' ? { ...place, kind: verb, path: rest, replacements: [] } : { ...place, kind: verb, path: rest },
    )
  }

  #pairFollows(): boolean {
    return markerOf(String(this.#lines.line(this.#lines.nextWord(this.#lines.at))))?.role === 'open'
  }

  #readPair(): void {
    const at = this.#lines.at
    this.#ownPair(at)
    const before = at === 0 ? null : fenceOf(String(this.#lines.line(at - 1)))
    const { pair, closesFence } = readPair(this.#lines, this.#written.block, before === null ? null : before.mark)
    if (closesFence) this.#open.pop()
    this.#passFences()
    this.#written.addPair(pair)
    this.#gap.clear()
  }

  /** Has the block begun that a pair belongs to, where that is not the one in hand. */
  #ownPair(at: number): void {
    const { currentPath, block } = this.#written
    const owner = this.#gap.owner(currentPath)
    if (owner.kind === 'unclear')
      throw malformed(
        block,
        at + 1,
        `this pair stands ${owner.why}, so that it is unclear whose it is. ${HEADER_WANTED}`,
      )
    if (owner.kind === 'none') return
    const path = owner.kind === 'words' ? owner.path : owner.title.path
    if (owner.kind === 'title' && (owner.title.verb === 'delete' || owner.title.verb === 'rename'))
      throw malformed(block, at + 1, `this pair stands below "${owner.title.verb} ${path}". ${HEADER_WANTED}`)
    if (path !== currentPath) this.#addTitled(at, { kind: 'edit', path, replacements: [] })
  }

  #addTitled(at: number, edit: Titled): void {
    const block = this.#written.begin(at + 1, 'titled')
    this.#written.add({ ...edit, block, line: at + 1 })
  }

  #readDiff(end: number): void {
    const at = this.#lines.at
    const header = this.#written.takeHeader()
    const path = isHunkHeader(String(this.#lines.line(at))) ? this.#hunkPath(at, header) : null
    const block = this.#written.begin(at + 1, 'titled')
    const edits = readDiff(this.#lines, { block, end, path })
    if (header !== null && !edits.some((edit) => this.#names.meantBy(edit.path) === header || edit.path === header))
      throw malformed(block, at + 1, `this diff stands below "### edit ${header}" and changes another file`)
    this.#written.addAll(edits, at)
    this.#passFences()
    this.#gap.clear()
    this.prose.push('')
  }

  #hunkPath(at: number, header: string | null): string {
    const owner = this.#gap.owner(header)
    const path = owner.kind === 'title' ? owner.title.path : owner.kind === 'words' ? owner.path : header
    if (path !== null && owner.kind !== 'unclear') return path
    throw malformed(this.#written.block, at + 1, `this diff names no file. ${HEADER_WANTED}`)
  }

  #readPatch(end: number): void {
    const at = this.#lines.at
    const block = this.#written.begin(at + 1, 'titled')
    this.#written.addAll(readPatch(this.#lines, { block, end }), at)
    this.#passFences()
    this.#gap.clear()
    this.prose.push('')
  }

  #readFence(fence: FenceLine): void {
    const at = this.#lines.at
    const closing = this.#lines.closing(fence.mark, at)
    const isEnd = this.#open.at(-1)?.closing === at
    if (isEnd || closing === null) {
      this.#refuseHalfFence(at, fence, isEnd)
      if (isEnd) this.#open.pop()
      return this.#pass(at)
    }
    const content = contentOf(this.#lines, at + 1, closing)
    if (this.#takesBody(fence, content)) return
    if (content.kind === 'edits') {
      this.#open.push({ mark: fence.mark, closing })
      return this.#pass(at)
    }
    this.#readContent(fence, content, closing)
  }

  /** A fence that closes another, or none does, is no file's; under the name of a file it was meant to open one. */
  #refuseHalfFence(at: number, { info }: FenceLine, isEnd: boolean): void {
    const next = this.#lines.nextWord(at + 1)
    const follows = contentOf(this.#lines, next, Math.min(next + 1, this.#lines.all.length)).kind
    if (follows !== 'text' || this.#written.awaitsPairs) return
    const owner = this.#gap.owner(null)
    const isNamed =
      fileNamedIn(info, this.#names) !== null ||
      (isEnd ? owner.kind === 'title' && owner.isNear : owner.kind !== 'none')
    if (isNamed)
      throw malformed(this.#written.block, at + 1, 'this fence stands below the name of a file and is never closed')
  }

  /** Takes a fence for a file's content where it is told to be a file's. */
  #takesBody({ info }: FenceLine, { kind }: Content): boolean {
    if (kind === 'diff' || kind === 'patch' || this.#written.awaitsPairs) return false
    const at = this.#lines.at
    const named = fileNamedIn(info, this.#names)
    const owner = this.#gap.owner(null)
    if (owner.kind === 'unclear' && owner.isBehind && !isShell(info))
      throw malformed(this.#written.block, at + 1, `this fence stands ${owner.why}`)
    const title = owner.kind === 'title' && mayHold(owner.title) ? owner : null
    const isWhole = title?.title.verb === 'write' && title.isNear
    if (kind === 'edits' && !isWhole) return false
    const inHand = this.#gap.isEmpty ? this.#written.currentPath : null
    const words = isShell(info) ? null : owner.kind === 'words' ? owner.path : inHand
    const path = title !== null && (title.isNear || !isShell(info)) ? title.title.path : (named ?? words)
    if (path === null) return false
    const body = readBody(this.#lines, this.#written.block + 1, path)
    this.#passFences()
    const namedBy = title !== null || named !== null ? 'title' : 'words'
    this.#addTitled(at, { kind: 'write', path, body, ...(isWhole ? {} : { namedBy }) })
    this.#gap.clear()
    return true
  }

  /** A pair or a file may hold what was taken for the end of a fence around it. */
  #passFences(): void {
    for (const [depth, { mark, closing }] of [...this.#open.entries()].toReversed()) {
      if (closing >= this.#lines.at) continue
      const next = this.#lines.closing(mark, this.#lines.at - 1)
      this.#open.splice(depth, 1, ...(next === null ? [] : [{ mark, closing: next }]))
    }
  }

  #readContent({ info }: FenceLine, { kind, from }: Content, closing: number): void {
    const opened = this.#lines.at
    if (kind === 'text') {
      this.#written.refuseOtherThanPairs()
      this.#refuseBareDiff(info, closing)
      for (let at = opened + 1; at < closing; at += 1) this.#look(at, info)
      this.#refuseTitleAtEnd(closing)
      for (let at = opened; at <= closing; at += 1) this.#pass(at)
    } else {
      this.#lines.at = from
      const first = this.#lines.nextWord(opened + 1)
      if (first < from && !BEFORE_DIFF.test(String(this.#lines.line(first))))
        throw malformed(
          this.#written.block,
          first + 1,
          `"${shownLine(String(this.#lines.line(first)))}" is no line of a ${kind}`,
        )
      if (kind === 'patch') this.#readPatch(closing)
      else this.#readDiff(closing)
      const left = this.#lines.nextWord(this.#lines.at)
      if (left < closing)
        throw malformed(
          this.#written.block,
          left + 1,
          `"${shownLine(String(this.#lines.line(left)))}" is no line of a ${kind}`,
        )
      this.#lines.at = closing + 1
    }
    this.#gap.clear()
  }

  /** A fence that closes right below a title opens what the title names, and the one before was left open. */
  #refuseTitleAtEnd(closing: number): void {
    const title = titleOf(String(this.#lines.line(closing - 1)), this.#names)
    if (title?.inScope !== true || !(title.isHeading || title.verb !== null)) return
    throw malformed(
      this.#written.block,
      closing + 1,
      'it is unclear whether this fence closes the one before or opens a file',
    )
  }

  #refuseBareDiff(info: string, closing: number): void {
    if (!/^(?:diff|patch|udiff)\b/i.test(info)) return
    for (let at = this.#lines.at; at < closing; at += 1) {
      if (/^[+-]/.test(String(this.#lines.line(at))))
        throw malformed(this.#written.block, at + 1, 'this diff has no line "@@", or names no file above it')
    }
  }

  /** Looks at a line of an example for a change of a file. */
  #look(at: number, info: string): void {
    const line = String(this.#lines.line(at))
    if (callsTool(line, this.#names)) throw malformed(this.#written.block, at + 1, foreignForm(line))
    const changed = info === '' || isShell(info) ? changedByCommand(line, this.#names) : null
    if (changed !== null) this.#claims.add(at, line, changed)
  }

  #readWords(line: string): void {
    const at = this.#lines.at
    if (callsTool(line, this.#names)) throw malformed(this.#written.block, at + 1, foreignForm(line))
    const title = /dele|remo|rena|move/i.test(line) ? titleOf(line, this.#names) : null
    if (title?.verb === 'delete' || title?.verb === 'rename') return this.#readRemoval(title, line)
    if (OF_A_DIFF.test(line))
      throw malformed(
        this.#written.block,
        at + 1,
        `"${shownLine(line)}" looks like a line of a diff and stands in none`,
      )
    if (looksLikeCode(line)) this.#written.refuseOtherThanPairs()
    const file = this.#gap.add(line)
    if (file !== null) this.#claims.add(at, line, file)
    this.#written.addWords(line)
    this.#pass(at)
  }

  #readRemoval({ path, to, isHeading }: Title, line: string): void {
    const at = this.#lines.at
    this.#pass(at)
    if (!isHeading) {
      this.#claims.add(at, line, ...(to === null ? [path] : [path, to]))
      this.#gap.add(line)
      return
    }
    this.#gap.clear()
    this.#addTitled(at, to === null ? { kind: 'delete', path } : { kind: 'rename', path, to })
  }

  #pass(at: number): void {
    this.prose.push(String(this.#lines.line(at)))
    this.#lines.at = at + 1
  }
}

type WithoutPlace<Block> = Block extends Edit ? Omit<Block, 'block' | 'line'> : never
/** A block under a title, which stands where its content does. */
type Titled = WithoutPlace<Edit>

/** A line that is added, or of a patch. */
const OF_A_DIFF = /^(?:> )?(?:\+(?:[^\s\d+]|\s{2}|\t)|\*\*\* (?:Begin|End|Update|Add|Delete|Move)\b)/
/** What programs put above a diff. */
const BEFORE_DIFF = /^(?:Index: |={3,}|#|commit |From |Subject: )/
const HEADER_WANTED = 'Write a line "### edit path" above each file\'s pairs'

/** Whether a fence under a title may be the file. A path out of scope is words, unless it stands in a heading. */
function mayHold({ inScope, isHeading }: Title): boolean {
  return inScope || isHeading
}

function strayMarker(line: string): string {
  if (markerOf(line)?.role === 'close') return 'a REPLACE marker closes nothing; its SEARCH marker is missing'
  return `"${shownLine(line)}" is no marker of a pair: that is "<<<<<<< SEARCH" at the start of a line, and nothing behind it`
}

function foreignForm(line: string): string {
  return `"${shownLine(line)}" is a change in a form that is not read here. Write every change as a block that starts with a line like "### edit path"`
}

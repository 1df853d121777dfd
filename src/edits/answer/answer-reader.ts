import type { Edit } from '../edit.ts'
import type { ScopeNames } from '../scope-names.ts'
import { type AnswerLines, malformed, shownLine } from './answer-lines.ts'
import { type Content, callsTool, changedByCommand, contentOf, fileNamedIn, isShell } from './fence-content.ts'
import { Gap } from './gap.ts'
import { exactHeader, type Header, renamed, type Title, titleOf } from './headings.ts'
import { type FenceLine, fenceOf, markerOf } from './line-shapes.ts'
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
    while (this.#lines.at < this.#lines.all.length) this.#readLine(String(this.#lines.line(this.#lines.at)))
    const edits = this.#written.finish()
    if (edits.length > 0) this.#claims.settle(edits)
    return edits
  }

  #readLine(line: string): void {
    const at = this.#lines.at
    const header = exactHeader(line)
    if (header !== null) return this.#readBlock(header)
    if (startsPatch(line)) return this.#readPatch(this.#lines.all.length)
    if (startsDiff(this.#lines, at) || (isHunkHeader(line) && this.#written.awaitsPairs))
      return this.#readDiff(this.#limit)
    const marker = markerOf(line)
    if (marker?.role === 'open') return this.#readPair()
    if (marker !== null && marker.role !== 'divider') throw malformed(this.#written.block, at + 1, strayMarker(line))
    const fence = fenceOf(line)
    if (fence !== null) return this.#readFence(fence)
    this.#readWords(line)
  }

  /** Behind the last line of what a diff or a patch may take. */
  get #limit(): number {
    return this.#open.at(-1)?.closing ?? this.#lines.all.length
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
    this.#gap.clear()
    this.prose.push('')
  }

  #readFence(fence: FenceLine): void {
    const at = this.#lines.at
    if (this.#open.at(-1)?.closing === at) {
      this.#open.pop()
      return this.#pass(at)
    }
    const closing = this.#lines.closing(fence.mark, at)
    if (closing === null) return this.#pass(at)
    const content = contentOf(this.#lines, at + 1, closing)
    if (this.#takesBody(fence, content)) return
    if (content.kind === 'edits') {
      this.#open.push({ mark: fence.mark, closing })
      return this.#pass(at)
    }
    this.#readContent(fence, content, closing)
  }

  /** Takes a fence for a file's content where it is told to be a file's. */
  #takesBody({ info }: FenceLine, { kind }: Content): boolean {
    if (kind === 'diff' || kind === 'patch' || this.#written.awaitsPairs) return false
    const at = this.#lines.at
    const named = fileNamedIn(info, this.#names)
    const owner = this.#gap.owner(null)
    const title = owner.kind === 'title' && mayHold(owner.title) ? owner : null
    const isWhole = title?.title.verb === 'write' && title.isNear
    if (kind === 'edits' && !isWhole) return false
    const isTitled = title !== null && (title.isNear || !isShell(info))
    const path = isTitled ? title.title.path : named
    if (path === null) {
      if (owner.kind === 'words' && !isShell(info)) this.#claims.add(at, String(this.#lines.line(at - 1)), owner.path)
      return false
    }
    const body = readBody(this.#lines, this.#written.block + 1, path)
    this.#passFences()
    this.#addTitled(at, { kind: 'write', path, body, ...(isWhole ? {} : { onlyNew: true }) })
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
      for (let at = opened + 1; at < closing; at += 1) this.#look(at, info)
      for (let at = opened; at <= closing; at += 1) this.#pass(at)
    } else {
      this.#lines.at = from
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
    this.#gap.add(line)
    this.#written.addWords(line)
    this.#pass(at)
  }

  #readRemoval({ path, to, isHeading }: Title, line: string): void {
    const at = this.#lines.at
    this.#pass(at)
    if (!isHeading) {
      this.#claims.add(at, line, ...(to === null ? [path] : [path, to]))
      return this.#gap.add(line)
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

const HEADER_WANTED = 'Write a line "### edit path" above each file\'s pairs'

/** Whether a fence under a title may be the file: a path out of scope is refused where it is asked for, else it is words. */
function mayHold({ inScope, verb, isHeading }: Title): boolean {
  return inScope || (verb === 'write' && isHeading)
}

function strayMarker(line: string): string {
  if (markerOf(line)?.role === 'close') return 'a REPLACE marker closes nothing; its SEARCH marker is missing'
  return `"${shownLine(line)}" is no marker of a pair: that is "<<<<<<< SEARCH" at the start of a line, and nothing behind it`
}

function foreignForm(line: string): string {
  return `"${shownLine(line)}" is a change in a form that is not read here. Write every change as a block that starts with a line like "### edit path"`
}

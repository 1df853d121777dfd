import type { Edit } from '../edit.ts'
import { saysTraits } from '../file-traits.ts'
import { isNotDone } from '../not-done.ts'
import { remarkBehind } from '../written-path.ts'
import { malformed, shownLine } from './answer-lines.ts'
import type { AnswerState } from './answer-state.ts'
import { type Content, fileNamedIn } from './fence-content.ts'
import { exactHeader, type Header, isHiddenHeader, renamed, type Title, titleOf, whyUnreadable } from './headings.ts'
import { rangesOf } from './hunks.ts'
import { type FenceLine, fenceOf, isOneWord, looksLikeCode, markerOf } from './line-shapes.ts'
import { readBody } from './read-body.ts'
import { isHunkHeader, readDiff, startsDiff } from './read-diff.ts'
import { refuseChangesIn, refuseHalfFence, refuseInDoubt, takesBody } from './read-fence.ts'
import { readPair } from './read-pair.ts'
import { isBeginOfPatch, readPatch, startsPatch } from './read-patch.ts'
import { commandedBy, saidOf, saysMore } from './said-changes.ts'
import { callsTool, changedByKeys, foreignForm } from './tool-calls.ts'

/**
 * Goes through the lines of an answer and takes each for a block, a pair, a fence, a foreign form of change, or prose.
 * What looks like a change and cannot be told is a fault: no line that was meant as one is passed over.
 */
export class AnswerReader {
  readonly #state: AnswerState

  constructor(state: AnswerState) {
    this.#state = state
  }

  read(): Edit[] {
    while (this.#state.lines.at < this.#state.lines.all.length) {
      const { at } = this.#state.lines
      this.#readLine(String(this.#state.lines.line(at)))
      if (this.#state.lines.at <= at) throw new RangeError(`line ${at + 1} was not read`)
    }
    const edits = this.#state.written.finish()
    const modes = this.#state.claims.modes(edits)
    // A mode that a command sets carries out no other claim about its file.
    if (edits.length + modes.length > 0) this.#state.claims.settle(edits, modes)
    return [...edits, ...modes]
  }

  #readLine(line: string): void {
    const at = this.#state.lines.at
    if (line === '') return this.#state.pass(at)
    const header = exactHeader(line)
    if (header !== null) return this.#readBlock(header)
    if (startsPatch(line)) return this.#readPatch(this.#state.limit)
    if (startsDiff(this.#state.lines, at) || this.#isHunk(line)) return this.#readDiff(this.#state.limit)
    const marker = markerOf(line)
    if (marker?.role === 'open') return this.#readPair()
    if (marker !== null && marker.role !== 'divider') throw this.#state.refusal(at, strayMarker(line))
    if (marker !== null && this.#state.gap.addDivider())
      throw this.#state.refusal(at, 'a second divider of a pair that has no SEARCH marker')
    const fence = fenceOf(line)
    if (fence !== null) return this.#readFence(fence)
    this.#readWords(line)
  }

  #isHunk(line: string): boolean {
    return isHunkHeader(line) && (this.#state.written.awaitsPairs || rangesOf(line) !== null)
  }

  #readBlock(header: Header): void {
    const { verb, rest } = header
    const line = this.#state.lines.at + 1
    this.#state.lines.at = line
    this.#state.diff = null
    const block = this.#state.written.begin(line, this.#state.open.length > 0 ? 'fenced' : 'bare')
    this.#state.gap.clear()
    this.#state.prose.push('')
    if (rest === '') throw malformed(block, line, `the header "### ${verb}" names no path`)
    const unreadable = whyUnreadable(header)
    if (unreadable !== null) throw malformed(block, line, unreadable)
    const place = { block, line }
    if (verb === 'delete') return this.#state.written.add({ ...place, kind: verb, path: rest })
    const named = this.#state.withTraits(line - 1, rest)
    if (verb === 'rename') {
      const names = renamed(named.path)
      if (names === null) throw malformed(block, line, 'a rename names two paths: "### rename old/path -> new/path"')
      const [path, to] = names
      return this.#state.written.add({ ...place, ...named, kind: verb, path, to })
    }
    if (verb === 'edit' || this.#pairFollows())
      return this.#state.written.add({ ...place, ...named, kind: 'edit', replacements: [] })
    const body = readBody(this.#state.lines, { block, path: named.path, isWhole: true }, this.#state.names)
    this.#state.written.add({ ...place, ...named, kind: verb, body })
  }

  #pairFollows(): boolean {
    return markerOf(String(this.#state.lines.line(this.#state.lines.nextWord(this.#state.lines.at))))?.role === 'open'
  }

  #readPair(): void {
    const at = this.#state.lines.at
    this.#ownPair(at)
    const before = at === 0 ? null : fenceOf(String(this.#state.lines.line(at - 1)))
    const fence = before === null ? null : before.mark
    const { block } = this.#state.written
    const { pair, closesFence } = readPair(this.#state.lines, { block, fence }, this.#state.names)
    if (closesFence) this.#state.open.pop()
    this.#state.passFences()
    this.#state.written.addPair(pair)
    this.#state.diff = null
    this.#state.gap.clear()
  }

  /** Has the block begun that a pair belongs to, where that is not the one in hand. */
  #ownPair(at: number): void {
    const { currentPath, awaitsPairs } = this.#state.written
    const owner = awaitsPairs ? this.#state.gap.owner(currentPath) : this.#state.gap.ownerOfNext(currentPath)
    if (owner.kind === 'unclear')
      throw this.#state.refusal(
        at,
        `this pair stands ${owner.why}, so that it is unclear whose it is. ${HEADER_WANTED}`,
      )
    if (owner.kind === 'none' && this.#state.diff?.isOwned === false)
      throw this.#state.refusal(at, `this pair stands behind a diff, and no line names its file. ${HEADER_WANTED}`)
    if (owner.kind === 'none') return
    const path = owner.kind === 'words' ? owner.path : owner.title.path
    if (owner.kind === 'title' && (owner.title.verb === 'delete' || owner.title.verb === 'rename'))
      throw this.#state.refusal(at, `this pair stands below "${owner.title.verb} ${path}". ${HEADER_WANTED}`)
    const traits = owner.kind === 'title' ? this.#state.traitsOf(at, owner.title) : {}
    if (path !== currentPath || saysTraits(traits))
      this.#state.addTitled(at, { ...traits, kind: 'edit', path, replacements: [] })
  }

  #readDiff(end: number): void {
    const at = this.#state.lines.at
    const named = this.#state.written.withoutPair
    const header = this.#state.written.takeHeader()
    const path = isHunkHeader(String(this.#state.lines.line(at))) ? this.#hunkPath(at, named) : null
    const block = this.#state.written.begin(at + 1, 'titled')
    const edits = readDiff(this.#state.lines, { block, end, path })
    if (
      header !== null &&
      !edits.some((edit) => this.#state.names.meantBy(edit.path) === header || edit.path === header)
    )
      throw malformed(block, at + 1, `this diff stands below "### edit ${header}" and changes another file`)
    this.#state.written.addAll(edits, at)
    this.#state.endDiff(edits, { isOwned: header !== null || path !== null, isOpen: false })
  }

  #hunkPath(at: number, header: string | null): string {
    const owner = this.#state.gap.owner(header)
    const path = owner.kind === 'title' ? owner.title.path : owner.kind === 'words' ? owner.path : header
    if (path !== null && owner.kind !== 'unclear') return path
    throw this.#state.refusal(at, `this diff names no file. ${HEADER_WANTED}`)
  }

  #readPatch(end: number): void {
    const at = this.#state.lines.at
    const block = this.#state.written.begin(at + 1, 'titled')
    const isOpen = !isBeginOfPatch(String(this.#state.lines.line(at)))
    const edits = readPatch(this.#state.lines, { block, end })
    this.#state.written.addAll(
      edits.map((edit) => ({ ...edit, ...this.#state.withTraits(edit.line - 1, edit.path) })),
      at,
    )
    this.#state.endDiff(edits, { isOwned: false, isOpen })
  }

  #readFence(fence: FenceLine): void {
    const at = this.#state.lines.at
    const closing = this.#state.lines.closing(fence.mark, at)
    const isEnd = this.#state.open.at(-1)?.closing === at
    if (isEnd || closing === null) {
      refuseHalfFence(this.#state, at, fence, isEnd)
      if (isEnd) this.#state.open.pop()
      return this.#state.pass(at)
    }
    const content = this.#state.contents.between(at + 1, closing)
    if (takesBody(this.#state, fence, { ...content, closing })) return
    if (content.kind === 'edits') {
      const named = fileNamedIn(fence.info, this.#state.names)
      if (named !== null) this.#state.gap.addFence(named)
      this.#state.open.push({ mark: fence.mark, closing })
      return this.#state.pass(at)
    }
    this.#readContent(fence, content, closing)
  }

  #readContent({ info }: FenceLine, { kind, from }: Content, closing: number): void {
    const opened = this.#state.lines.at
    let doubt: number | null = null
    if (kind === 'text') {
      if (refuseChangesIn(this.#state, info, closing)) doubt = closing
      for (let at = opened; at <= closing; at += 1) this.#state.pass(at)
    } else {
      this.#state.lines.at = from
      const first = this.#state.lines.nextWord(opened + 1)
      if (first < from && !BEFORE_DIFF.test(String(this.#state.lines.line(first))))
        throw this.#state.refusal(
          first,
          `"${shownLine(String(this.#state.lines.line(first)))}" is no line of a ${kind}`,
        )
      if (kind === 'patch') this.#readPatch(closing)
      else this.#readDiff(closing)
      const left = this.#state.lines.nextWord(this.#state.lines.at)
      if (left < closing)
        throw this.#state.refusal(left, `"${shownLine(String(this.#state.lines.line(left)))}" is no line of a ${kind}`)
      this.#state.lines.at = closing + 1
      if (this.#state.diff !== null) this.#state.diff.isApart = true
    }
    this.#state.gap.clear(kind === 'text' ? { path: this.#state.written.currentPath, doubt } : null)
  }

  #readWords(line: string): void {
    const at = this.#state.lines.at
    if (isNotDone(line)) return this.#state.pass(at)
    if (callsTool(this.#state.lines, at, this.#state.names)) throw this.#state.refusal(at, foreignForm(line))
    const removal = /dele|remo|rena|move/i.test(line) ? titleOf(line, this.#state.names) : null
    if (removal?.verb === 'delete' || removal?.verb === 'rename') return this.#readRemoval(removal, line)
    if (isHiddenHeader(line, this.#state.names))
      throw this.#state.refusal(at, `"${shownLine(line)}" is no header of a block: nothing stands before its "###"`)
    if (OF_A_DIFF.test(line) || isHunkHeader(line))
      throw this.#state.refusal(at, `"${shownLine(line)}" looks like a line of a diff and stands in none`)
    this.#state.refuseOfDiff(at, line)
    if (looksLikeCode(line)) this.#state.written.refuseOtherThanPairs()
    const isBehindFence = this.#state.gap.doubt === at - 1
    if (looksLikeCode(line) || (isBehindFence && isOneWord(line))) refuseInDoubt(this.#state)
    const stray = this.#state.gap.add(line)
    if (stray?.isSure)
      throw this.#state.refusal(
        at,
        `this line stands below the name "${stray.path}" and looks like a line of that file`,
      )
    if (stray === null) this.#claim(at, line)
    else this.#state.claims.add(at, line, stray.path)
    this.#state.written.addWords(line)
    this.#state.written.addBehind(line)
    this.#state.pass(at)
  }

  /** Notes what a line of words says of files, which a block must carry out. */
  #claim(at: number, line: string): void {
    const { claims, lines, names } = this.#state
    const { changed, oddModes } = commandedBy(line, names)
    const keyed = changedByKeys(lines, at, names)
    claims.add(at, line, ...changed, ...(keyed === null ? [] : [keyed]))
    claims.addTold(at, line)
    claims.addMode(at, line, ...oddModes)
    for (const { what, paths } of saidOf(line, names)) {
      if (what === 'mode') claims.addMode(at, line, ...paths)
      else if (what === 'arrow') claims.addArrow(at, line, ...paths)
      else claims.add(at, line, ...paths)
    }
  }

  #readRemoval(title: Title, line: string): void {
    const { path, to, isHeading } = title
    const at = this.#state.lines.at
    this.#state.pass(at)
    if (!isHeading) {
      this.#state.claims.add(at, line, ...(to === null ? [path] : [path, to]))
      this.#state.gap.add(line)
      return
    }
    this.#state.gap.clear()
    const remark = remarkBehind(line, to ?? path)
    if (title.inScope && to === null && saysMore(remark))
      throw this.#state.refusal(at, `"${shownLine(remark)}" behind the path is not understood. ${ALONE}`)
    const traits = this.#state.traitsOf(at, title)
    this.#state.addTitled(at, to === null ? { kind: 'delete', path } : { ...traits, kind: 'rename', path, to })
  }
}

/** A line that is added, or of a patch. */
const OF_A_DIFF = /^(?:> )?(?:\+(?:[^\s\d+]|\s{2}|\t)|\*\*\* (?:Begin|End|Update|Add|Delete|Move)\b)/
/** What programs put above a diff. */
const BEFORE_DIFF = /^(?:Index: |={3,}|#|commit |From |Subject: )/
const ALONE = 'Write the path alone, and a block of its own for each file'
const HEADER_WANTED = 'Write a line "### edit path" above each file\'s pairs'

function strayMarker(line: string): string {
  if (markerOf(line)?.role === 'close') return 'a REPLACE marker closes nothing; its SEARCH marker is missing'
  return `"${shownLine(line)}" is no marker of a pair: that is "<<<<<<< SEARCH" at the start of a line, and nothing behind it`
}

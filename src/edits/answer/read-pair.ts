import type { Replacement } from '../edit.ts'
import type { ScopeNames } from '../scope-names.ts'
import { type AnswerLines, malformed } from './answer-lines.ts'
import { type Held, heldByPair, mayBelong, takesPlaceOf } from './behind-end.ts'
import { exactHeader, isHeading } from './headings.ts'
import { fenceOf, markerOf, searchMarkerSize } from './line-shapes.ts'

/** A pair in an answer: its sides as ranges of lines, `to` excluded, and the line after it. */
type Sides = { search: { from: number; to: number }; replace: { from: number; to: number }; next: number }
/** Why a pair cannot be read, and the index of the line. */
type Trouble = { at: number; why: string }

/**
 * Reads the pair whose SEARCH marker is at `lines.at`, and moves on behind it.
 *
 * The three markers of a pair have the same length; markers of another length are content, so that a text which itself
 * contains markers can be edited with longer ones. Only where that gives no pair are markers of other forms taken, and
 * only where there is no second way to read them.
 *
 * @param options.fence the mark of a fence that was opened right before the pair; null: none was
 * @returns the pair, and whether it has taken the end of that fence in
 * @throws {Fault} `edits_malformed` for a missing or misplaced marker
 */
export function readPair(
  lines: AnswerLines,
  { block, fence }: { block: number; fence: string | null },
  names: ScopeNames,
): { pair: Replacement; closesFence: boolean } {
  const opened = lines.at
  const size = searchMarkerSize(String(lines.line(opened)))
  const exact = size === null ? null : exactSides(lines, opened, size)
  const sides = exact === null || 'why' in exact ? driftedSides(lines, opened) : exact
  if (sides === null) {
    const { at, why } = exact !== null && 'why' in exact ? exact : { at: opened, why: UNREADABLE }
    throw malformed(block, at + 1, why)
  }
  const search = lines.all.slice(sides.search.from, sides.search.to)
  const replace = lines.all.slice(sides.replace.from, sides.replace.to)
  lines.at = sides.next
  refuseLooseEnd(lines, { block, fence, search, replace }, names)
  const isHeld = fence !== null && replace.at(-1)?.trimEnd() === fence && !isFence(lines, sides.next, fence)
  const closesFence = isHeld && isOdd(replace, fence) && !isOdd(search, fence)
  if (isHeld && !closesFence && !isOdd(search, fence))
    throw malformed(block, sides.next, 'it is unclear whether the last fence of this pair is a line of the file')
  return { pair: { line: opened + 1, search, replace: closesFence ? replace.slice(0, -1) : replace }, closesFence }
}

/** What stands between two pairs. */
const LEADS_ON = /^(?:and|also|plus|now|then|next|finally)$/i

type Read = { block: number; fence: string | null; search: readonly string[]; replace: readonly string[] }

/** @throws {Fault} where a line right behind a pair may be one of its lines, or stands with it in a fence of its own */
function refuseLooseEnd(lines: AnswerLines, { block, fence, search, replace }: Read, names: ScopeNames): void {
  const behind = fence === null ? lines.at : lines.nextWord(lines.at)
  const next = fence !== null && lines.line(behind)?.trim() === fence ? behind + 1 : behind
  const line = lines.line(next) ?? ''
  const held = heldByPair({ search, replace })
  if (line.trim() === '') return refuseAnew(lines, next, { block, held })
  if (fenceOf(line) !== null || markerOf(line) !== null || exactHeader(line) !== null) return
  if (LEADS_ON.test(line.trim()) && markerOf(lines.line(next + 1) ?? '')?.role === 'open') return
  const isInFence =
    fence !== null &&
    next === behind &&
    lines.closing(fence, lines.at - 1) !== null &&
    !hasHeaderBefore(lines, next, fence)
  if (isInFence || dividerFollows(lines, next) || mayBelong({ line, next: lines.line(next + 1) ?? '' }, held, names))
    throw malformed(block, next + 1, 'this line stands behind the end of a pair and looks like a line of it')
}

function refuseAnew(lines: AnswerLines, from: number, { block, held }: { block: number; held: Held }): void {
  const next = lines.nextWord(from)
  const line = lines.line(next) ?? ''
  if (line === '' || fenceOf(line) !== null || markerOf(line) !== null || exactHeader(line) !== null) return
  if (takesPlaceOf(line, held))
    throw malformed(block, next + 1, 'this line stands behind a pair and looks like one that the pair takes away')
}

/** Whether another block, or words that lead to one, stand before the next end of a fence. */
function hasHeaderBefore(lines: AnswerLines, from: number, fence: string): boolean {
  const closing = lines.closing(fence, from - 1) ?? from
  for (let at = from; at < closing; at += 1) {
    const line = String(lines.line(at))
    if (exactHeader(line) !== null || markerOf(line)?.role === 'open') return true
  }
  return false
}

/** Whether a divider of a pair stands before the next blank line. */
function dividerFollows(lines: AnswerLines, from: number): boolean {
  for (let at = from; (lines.line(at) ?? '').trim() !== ''; at += 1) {
    const role = markerOf(String(lines.line(at)))?.role
    if (role !== undefined) return role === 'divider'
  }
  return false
}

const LONGER_MARKERS =
  'Text that contains such lines itself needs longer markers: 8 or more of <, = and >, all three alike'
const UNREADABLE =
  'the pair that starts here is not one of "<<<<<<< SEARCH", "=======" and ">>>>>>> REPLACE", each on a line of its own'

function exactSides(lines: AnswerLines, opened: number, size: number): Sides | Trouble {
  let divider: number | null = null
  for (let at = opened + 1; at < lines.all.length; at += 1) {
    switch (exactMarker(String(lines.line(at)), size)) {
      case null:
        break
      case 'divider':
        if (divider !== null) return { at, why: `a second divider. ${LONGER_MARKERS}` }
        divider = at
        break
      case 'search':
        return { at, why: `a SEARCH marker inside the pair of line ${opened + 1}. ${LONGER_MARKERS}` }
      case 'replace':
        if (divider === null) return { at, why: `the pair of line ${opened + 1} has no "=======" divider` }
        return sidesOf(opened, divider, at)
    }
  }
  return { at: opened, why: `the SEARCH marker is never closed by a line "${'>'.repeat(size)} REPLACE"` }
}

function sidesOf(opened: number, divider: number, closed: number): Sides {
  return {
    search: { from: opened + 1, to: divider },
    replace: { from: divider + 1, to: closed },
    next: closed + 1,
  }
}

function exactMarker(text: string, size: number): 'search' | 'divider' | 'replace' | null {
  if (!/^[<=>]/.test(text)) return null
  const line = text.trimEnd()
  if (line === `${'<'.repeat(size)} SEARCH`) return 'search'
  if (line === '='.repeat(size)) return 'divider'
  return line === `${'>'.repeat(size)} REPLACE` ? 'replace' : null
}

/** One divider and one end before the next pair or block; or two dividers, of which the second ends the pair. */
function driftedSides(lines: AnswerLines, opened: number): Sides | null {
  const dividers: number[] = []
  const ends: number[] = []
  let at = opened + 1
  for (; at < lines.all.length; at += 1) {
    const line = String(lines.line(at))
    const marker = markerOf(line)
    if (marker?.role === 'open' || exactHeader(line) !== null) break
    if (marker?.role === 'foreign') return null
    if (marker?.role === 'divider') dividers.push(at)
    if (marker?.role === 'close') ends.push(at)
  }
  const [divider, second, third] = dividers
  const [end, further] = ends
  if (divider === undefined || third !== undefined || further !== undefined) return null
  if (end !== undefined) return second === undefined && end > divider ? sidesOf(opened, divider, end) : null
  if (second === undefined || !endsThere(lines, second + 1, at)) return null
  const holdsMore = lines.all.slice(divider, second).some((line) => isHeading(line) || fenceOf(line) !== null)
  return holdsMore ? null : sidesOf(opened, divider, second)
}

/** Whether nothing that could belong to a pair follows: a blank line, a fence, the next pair or block, the end. */
function endsThere(lines: AnswerLines, from: number, next: number): boolean {
  if (from === next) return true
  const line = String(lines.line(from))
  return line.trim() === '' || fenceOf(line)?.info === ''
}

/** Whether a pair's side holds a fence that it does not close, or closes one that it does not open. */
function isOdd(lines: readonly string[], fence: string): boolean {
  return lines.filter((line) => line.trimEnd() === fence).length % 2 === 1
}

function isFence(lines: AnswerLines, from: number, fence: string): boolean {
  return lines.line(lines.nextWord(from))?.trim() === fence
}

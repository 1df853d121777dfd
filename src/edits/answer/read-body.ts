import type { ScopeNames } from '../scope-names.ts'
import { type AnswerLines, malformed } from './answer-lines.ts'
import { mayBelong } from './behind-end.ts'
import type { Fence, FenceChain } from './fence-chain.ts'
import { exactHeader, isHeading, titleOf } from './headings.ts'
import { type FenceLine, fenceOf, looksLikeCode, MARKUP, markerOf } from './line-shapes.ts'

const LONGER_FENCE =
  'A file that contains fences needs a longer fence around it: one more character than the longest in it'

/**
 * Reads the fenced lines after a `write` header, which is the line before `lines.at`, and moves on behind them. The body
 * ends at the first line that is exactly the opening fence; fences that the file opens with a language are closed first.
 *
 * @param options.isWhole whether the fence holds the whole file for certain, and is no example of it
 * @returns the lines of the file; none for an empty file
 * @throws {Fault} `edits_malformed` for a missing or unclosed fence, and for one that the content seems to contain too:
 *   the file would be cut there
 */
export function readBody(
  lines: AnswerLines,
  { block, path, isWhole }: { block: number; path: string; isWhole: boolean },
  names: ScopeNames,
): string[] {
  const header = lines.at
  const opened = lines.nextWord(header)
  const fence = fenceOf(String(lines.line(opened)))
  if (fence === null) throw malformed(block, header, 'a write block needs its content between two fences (````)')
  const fences = fencesAfter(lines, opened, fence)
  const closed = fences.hasBare
    ? closingOf(lines, fences, { block, path, info: fence.info })
    : longerClosing(lines, opened, fence)
  if (closed === null) throw malformed(block, opened + 1, `the fence is never closed by a line "${fence.mark}"`)
  const body = lines.all.slice(opened + 1, closed)
  const behind = lines.line(closed + 1) ?? ''
  if (codeFollows(lines, closed + 1) || (body.length === 0 && isText(behind)))
    throw malformed(block, closed + 2, BEHIND_FILE)
  const isNext = endsInHeader(body, names) && exactHeader(lines.line(lines.nextWord(closed + 1)) ?? '### edit') === null
  if (isNext || swallows(lines, opened, closed, fence.mark))
    throw malformed(
      block,
      closed + 1,
      `it is unclear which fence closes the file: a block stands before it. ${LONGER_FENCE}`,
    )
  const after = { line: behind, next: lines.line(closed + 2) ?? '' }
  const isLoose =
    isWhole &&
    isText(behind) &&
    markerOf(behind) === null &&
    mayBelong(after, { put: body, added: [], removed: [] }, names)
  if (isLoose) throw malformed(block, closed + 2, BEHIND_FILE)
  lines.at = closed + 1
  return withoutIndent(body, fence.indent)
}

const BEHIND_FILE = 'this line stands behind the end of the file and looks like a line of it'

function isText(line: string): boolean {
  return line.trim() !== '' && fenceOf(line) === null && exactHeader(line) === null
}

/** Whether lines from an index on, up to a blank one, look like the rest of a file. */
function codeFollows(lines: AnswerLines, from: number): boolean {
  for (let at = from; ; at += 1) {
    const line = lines.line(at) ?? ''
    if (!isText(line) || markerOf(line) !== null) return false
    if (looksLikeCode(line)) return true
  }
}

/** The fences of a chain from one place up to another, which is not among them. */
type Fences = { chain: FenceChain; from: number; to: number; hasBare: boolean }

/** The fences up to the next header behind a bare one. */
function fencesAfter(lines: AnswerLines, opened: number, fence: FenceLine): Fences {
  const chain = lines.chainOf(fence)
  const { all } = chain
  const from = chain.behind(opened)
  let bare = from
  while (bare < all.length && all[bare]?.isBare !== true) bare += 1
  const first = all[bare]
  const to = first === undefined ? all.length : chain.behind(lines.nextHeader(first.at))
  return { chain, from, to, hasBare: first !== undefined }
}

/**
 * Whether the last line is the header of a file, or a heading that ends in the name of one: behind a verb, or of a file in
 * scope. Others are comments of a script.
 */
function endsInHeader(body: readonly string[], names: ScopeNames): boolean {
  const last = body.findLast((line) => line.trim() !== '') ?? ''
  if (exactHeader(last)?.verb === 'write') return true
  if (!isHeading(last) || !/\.\w{1,12}[`*:]{0,4}$/.test(last.trimEnd())) return false
  const title = titleOf(last, names)
  return (title !== null && title.verb !== null) || names.mentionedIn(last).length > 0
}

/**
 * Whether the fence that closes a body may be the one that opens the next: that of the body was too short then, or is
 * missing.
 */
function swallows(lines: AnswerLines, opened: number, closed: number, mark: string): boolean {
  const body = lines.all.slice(opened + 1, closed)
  const behind = lines.line(closed + 1) ?? ''
  if (behind.trim() === '' || exactHeader(behind) !== null) return false
  if (behind.trim() !== mark && fenceOf(behind)?.info === '') return false
  const header = body.findLastIndex((line) => exactHeader(line) !== null)
  return body.slice(0, Math.max(0, header)).some((line) => fenceOf(line)?.info === '')
}

type Body = { block: number; path: string; info: string }

function closingOf(lines: AnswerLines, { chain, from, to }: Fences, body: Body): number {
  const { all } = chain
  // A bare fence behind that, after more text: the one that closed the body was the content's.
  const isCut = (place: number) => chain.cutBehind(place) < to
  const first = all[from]
  if (first?.isBare === true) {
    if (isCut(from) && !leadsOn(lines, all.slice(from, Math.min(to, from + 4)), body))
      throw malformed(body.block, first.at + 1, `it is unclear which fence closes the file. ${LONGER_FENCE}`)
    return first.at
  }
  let depth = 1
  for (let place = from; place < to; place += 1) {
    const fence = all[place]
    depth += fence?.isBare === true ? -1 : 1
    if (fence !== undefined && depth === 0 && !isCut(place)) return fence.at
    if (depth === 0) break
  }
  throw malformed(body.block, Number(first?.at) + 1, `a fence inside the file. ${LONGER_FENCE}`)
}

/** Whether a sentence that ends in a colon leads from the body of a program to one example, after which nothing is fenced. */
function leadsOn(lines: AnswerLines, [closed, open, close, further]: readonly Fence[], { path, info }: Body): boolean {
  if (closed === undefined || open === undefined || close === undefined || further !== undefined) return false
  if (info === '' || /^(?:md|mdx|markdown)\b/i.test(info) || MARKUP.test(path) || !open.isBare || !close.isBare)
    return false
  const between = lines.all.slice(closed.at + 1, open.at)
  const words = between.filter((line) => line.trim() !== '')
  return between[0]?.trim() === '' && words.length === 1 && /^[A-Z][^{}();=]*:$/.test(String(words[0]).trim())
}

/** A drifted end: a fence of the same character that is longer, or that has spaces behind it, where there is one alone. */
function longerClosing(lines: AnswerLines, opened: number, { mark }: FenceLine): number | null {
  const found: number[] = []
  for (let at = opened + 1; at < lines.all.length; at += 1) {
    const line = String(lines.line(at))
    if (exactHeader(line) !== null) break
    const fence = line.trimStart().startsWith(mark) ? fenceOf(line) : null
    if (fence !== null && fence.info === '') found.push(at)
  }
  const [only] = found
  return only === undefined || found.length > 1 ? null : only
}

/** A fence that is indented, as in a list, may have its content indented with it. */
function withoutIndent(body: readonly string[], indent: string): string[] {
  const isIndented = indent !== '' && body.every((line) => line.startsWith(indent) || line.trim() === '')
  return isIndented ? body.map((line) => line.slice(indent.length)) : [...body]
}

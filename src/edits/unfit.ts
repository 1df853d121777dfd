import { fenceOf, MARKUP, markerOf } from './answer/line-shapes.ts'
import type { Edit, Replacement } from './edit.ts'
import type { EditedText } from './edited-text.ts'
import { isExcerptOf } from './excerpt.ts'
import { leftOutIn } from './left-out.ts'
import { numbersOf } from './packaging.ts'
import { isLikeFile } from './whole-file.ts'

const COMMENT = /^(?:\/\/+|\/\*+|\*+(?=\s)|#+|--+(?=\s)|;+|%+|<!--|\{\/\*|"""|'''|\(\*)\s*/
const COMMENT_END = /(?<!\s)\s*(?:\*\/\}?|-->|"""|'''|\*\))$/
/** Three dots alone, whatever brackets are around them. */
const DOTS = /^[[(<]?(?:\.{3,}|…)[\])>]?$/
const REST =
  /\b(?:existing|rest|remaining|remainder|remains?|unchanged|same|previous|omitted|others?|stays?|as (?:before|is|above)|original|elided|truncated|snip)\b/i
const PARTS =
  '(?:code|contents?|file|class|methods?|functions?|imports?|lines|module|component|implementation|tests|properties|fields|logic)'
const REST_OF = new RegExp(`^(?:the )?rest of (?:the |your |this )?${PARTS}\\b|^existing code\\b`, 'i')
const LEFT_AS_IS = new RegExp(
  `^(?!.*\\b(?:should|must)\\b)(?:the )?(?:remaining|existing|other|previous|original|all other) ${PARTS}\\b.{0,60}(?:\\b(?:unchanged|the same|as before|as is|here|omitted|untouched)\\b|\\.{3}$|…$)`,
  'i',
)
/** Files in which a line of three dots is text: an empty body, the end of a document, an excerpt. */
const HAS_DOTS = /\.(?:pyi?|ya?ml|md|mdx|markdown|rst|adoc)$/i
const DIFF_FILE = /\.(?:diff|patch|rej)$/i
/** A line that only tells of the file that it is gone. */
const SAYS_GONE =
  /^\W{1,9}(?:(?:this )?file )?(?:(?:was|is|has been|is now|intentionally) ){0,2}(?:deleted|removed|moved)\b[\w\s./-]{0,80}\W{0,9}$/i
const FEWEST_NUMBERED = 3
/** Blank lines at an end of a file that a view of all of it may leave out. */
const MOST_BLANK = 20

/** Whether a line stands for text that is left out. */
export function isPlaceholder(line: string, path: string): boolean {
  const text = line.trim()
  if (text === '' || text.length > 160) return false
  if (DOTS.test(text)) return !HAS_DOTS.test(path)
  if (/^[[(<](?:unchanged|no changes?)[\])>]$/i.test(text)) return true
  const bare = text.replace(COMMENT, '').replace(COMMENT_END, '')
  const [starts, ends] = [/^(?:\.{3}|…)/.test(bare), /(?:\.{3}|…)$/.test(bare)]
  // Code spreads values by dots of its own.
  if (bare === text) return starts && ends && /\s/.test(text)
  if (DOTS.test(bare)) return !MARKUP.test(path)
  if (/^(?:unchanged|no changes?)\.?$/i.test(bare)) return true
  return (starts && ((ends && !MARKUP.test(path)) || REST.test(bare))) || REST_OF.test(bare) || LEFT_AS_IS.test(bare)
}

/**
 * Why the text of a pair must not be put into a file: it is a change written in another form, or leaves out what was
 * there. What stands in the file already, or in SEARCH, may stay.
 */
export function unfitReplacement(
  file: EditedText,
  { line, search, replace }: Replacement,
  path: string,
): string | null {
  const known = new Set(search)
  const gap = replace.find((text) => isPlaceholder(text, path) && !known.has(text) && !file.holds(text))
  const leftOut = gap ?? leftOutIn(search, replace, { isPart: true, isMarkup: MARKUP.test(path) })
  if (leftOut !== null) return `the REPLACE of line ${line} ${leavesOut(leftOut)}`
  if (
    numbersOf(replace) !== null &&
    replace.every((text) => !/^\s*\d+:/.test(text)) &&
    numbersOf(search) === null &&
    !replace.every((text) => file.holds(text))
  )
    return `the REPLACE of line ${line} holds line numbers. Write the lines without them`
  if (!MARKUP.test(path) && fencesIn(replace) % 2 !== fencesIn(search) % 2)
    return `the REPLACE of line ${line} holds half a code fence. Write the lines without the fence around them`
  return isDiffOf(search, replace)
    ? `the REPLACE of line ${line} is a diff. Write the lines as they shall be, without + and -`
    : null
}

/** The same of the whole of a file. @param before what stands there; null: nothing */
export function unfitBody(before: EditedText | null, body: readonly string[], path: string): string | null {
  const numbers = numbersOf(body)
  const isNumbered = numbers !== null && numbers.first === 1 && (before !== null || body.length >= FEWEST_NUMBERED)
  if (
    isNumbered &&
    !(before !== null && before.holds(String(body[0]))) &&
    body.every((text) => !/^\s*\d+[:\t]/.test(text))
  )
    return 'would hold line numbers. Write the lines without them'
  const inFences = MARKUP.test(path) ? 0 : fencesIn(body)
  if (inFences % 2 === 1 && !(before !== null && fencesIn(before.lines()) % 2 === 1))
    return 'would hold half a code fence. Write the lines without the fence around them'
  if (inFences > 0 && fenceOf(String(body[0])) !== null && fenceOf(String(body.at(-1))) !== null)
    return 'would hold a code fence around all of it. Write the lines without that fence'
  if (before === null) return null
  const [only = '', ...more] = body.filter((text) => text.trim() !== '')
  if (more.length === 0 && only.length <= 160 && SAYS_GONE.test(only) && !before.holds(only))
    return 'would hold nothing but a remark that it is gone. To take the file away, use a delete block'
  if (isDiff(body) && !DIFF_FILE.test(path) && !before.holds(String(body.find((text) => text.trim() !== ''))))
    return 'would become a diff. A write block holds the file as it shall be; to change parts of it, use an edit block'
  if (holdsMarker(body) && !holdsMarker(before.lines()))
    return 'would hold markers of a SEARCH/REPLACE pair. To change parts of the file, use an edit block; where it is really to hold such lines, put them in by an edit block with longer markers: 8 or more of <, = and >, all three alike'
  const gap = body.find((text) => isPlaceholder(text, path) && !before.holds(text))
  const leftOut = gap ?? leftOutIn(before.lines(), body, { isPart: false, isMarkup: MARKUP.test(path) })
  if (leftOut !== null) return `cannot be replaced: the write block ${leavesOut(leftOut)}`
  return isExcerptOf(before.lines(), body) ? EXCERPT : null
}

/**
 * Whether the lines of a fence only show what a file holds: one run of its lines, but for spaces around each. What may as
 * well be the whole file, of which lines were taken off an end, is no view: all that is said to be more than a part, and
 * what has an end of the file and most of its lines. A guess with few lines of the file is an example, which changes nothing.
 */
export function isViewOf(
  file: EditedText,
  { body, namedBy, isAll = false, isGuess = false }: Extract<Edit, { kind: 'write' }>,
): boolean {
  if (isGuess && !isLikeFile(file.lines(), body)) return true
  const from = body.findIndex((line) => line.trim() !== '')
  const lines = body.slice(Math.max(0, from), body.findLastIndex((line) => line.trim() !== '') + 1)
  const { count, first } = file.likeOccurrences(lines, 'spaces around')
  const [at] = first
  if (count === 0 || at === undefined) return false
  const end = at + lines.length
  const isBlank = (start: number, stop: number) =>
    stop - start <= MOST_BLANK && file.lines(start, stop).every((line) => line.trim() === '')
  const [hasStart, hasEnd] = [isBlank(0, at), isBlank(end, file.length)]
  if (hasStart && hasEnd) return true
  return !isAll && (namedBy !== 'title' || !(hasStart || hasEnd) || lines.length * 2 <= file.length)
}

const EXCERPT =
  'cannot be replaced: the write block holds only a part of it, and the rest would be lost. Write every line, or change only the lines that differ with an edit block; lines that are to go stand in its SEARCH and not in its REPLACE'

function leavesOut(gap: string): string {
  return `stands for text that is there by "${gap.trim().slice(0, 80)}". Write every line, or change only the lines that differ with an edit block`
}

function fencesIn(lines: readonly string[]): number {
  return lines.filter((text, index) => fenceOf(text) !== null && !isUnderline(lines, index)).length
}

/** Whether a line of tildes is as long as a line beside it: that is a heading in a comment, as Sphinx reads it. */
function isUnderline(lines: readonly string[], at: number): boolean {
  const text = String(lines[at]).trim()
  return /^~+$/.test(text) && [lines[at - 1], lines[at + 1]].some((beside) => beside?.trim().length === text.length)
}

/** Whether all lines are lines of a diff of the SEARCH. */
function isDiffOf(search: readonly string[], replace: readonly string[]): boolean {
  const known = new Set(search.map((text) => text.trim()))
  const removed = replace.some(
    (text) => text.startsWith('-') && known.has(text.slice(1).trim()) && !known.has(text.trim()),
  )
  return (
    removed &&
    replace.some((text) => text.startsWith('+')) &&
    replace.every((text) => text === '' || ' +-@'.includes(text.charAt(0)))
  )
}

function isDiff(body: readonly string[]): boolean {
  const first = body.findIndex((text) => text.trim() !== '')
  const start = String(body[first])
  if (/^diff --git |^@@ -\d/.test(start)) return true
  return (
    start.startsWith('--- ') && String(body[first + 1]).startsWith('+++ ') && body.some((text) => text.startsWith('@@'))
  )
}

function holdsMarker(lines: readonly string[]): boolean {
  return lines.some((line) =>
    /^<{7}[^<]/.test(line) ? markerOf(line)?.role === 'open' : /^>{7} REPLACE\s*$/.test(line),
  )
}

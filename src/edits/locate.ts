import type { Replacement } from './edit.ts'
import type { EditedText } from './edited-text.ts'
import { withoutFences, withoutNumbers } from './packaging.ts'
import { NOWHERE, type Places } from './text/occurrences.ts'

/** Where a pair belongs and what it puts there; `places` where that is not one place. */
export type Located = { at: number; count: number; replace: readonly string[] } | { places: Places }

/** Of the file: its path, and by how many lines it has grown since the block began. */
type In = { path: string; shift: number }

type Sides = Pick<Replacement, 'search' | 'replace'>

/**
 * Where the SEARCH of a pair stands: exactly once as it is, else exactly once with one tolerance. The tolerances are
 * spaces at line ends; one common indentation; and what was put around the lines with it: their numbers where the file
 * proves them, or a fence around either side.
 */
export function locate(file: EditedText, pair: Replacement, where: In): Located {
  const exact = file.occurrences(pair.search)
  const only = the(exact)
  if (only !== null) return { at: only, count: pair.search.length, replace: pair.replace }
  if (exact.count > 1) return nearest(file, pair, exact, where)
  const tolerant = tolerantly(file, pair)
  if (tolerant.kind === 'found') return tolerant.found
  const unfenced = withoutFences(pair, where.path)
  const inner = unfenced === null ? null : plainly(file, unfenced)
  const unnumbered = inner === null ? withoutNumbers(pair) : null
  const proved = unnumbered === null ? inner : plainly(file, unnumbered)
  if (proved === null) return { places: tolerant.places }
  const isProved = unnumbered === null || [0, where.shift].includes(proved.at + 1 - unnumbered.first)
  return isProved ? proved : { places: NOWHERE }
}

/** The one place there is; null: there are more, or none. */
function the({ count, first }: Places): number | null {
  const [at] = first
  return count === 1 && at !== undefined ? at : null
}

function plainly(file: EditedText, sides: Sides): { at: number; count: number; replace: readonly string[] } | null {
  const at = the(file.occurrences(sides.search))
  if (at !== null) return { at, count: sides.search.length, replace: sides.replace }
  const tolerant = tolerantly(file, sides)
  return tolerant.kind === 'found' ? tolerant.found : null
}

/** Of several places the one that a diff or a patch has told. */
function nearest(file: EditedText, { search, replace, near }: Replacement, places: Places, { shift }: In): Located {
  if (near === undefined) return { places }
  if ('line' in near) {
    const at = near.line - 1 + shift
    return file.standsAt(at, search) ? { at, count: search.length, replace } : { places }
  }
  const above = the(file.likeOccurrences([near.below], 'spaces around'))
  const below = places.first.filter((at) => above !== null && at > above)
  const [at] = below
  const isTold = places.count === places.first.length && below.length === 1 && at !== undefined
  return isTold ? { at, count: search.length, replace } : { places }
}

type Tolerant =
  | { kind: 'found'; found: { at: number; count: number; replace: readonly string[] } }
  | { kind: 'not'; places: Places }

function tolerantly(file: EditedText, { search, replace }: Sides): Tolerant {
  const ends = file.likeOccurrences(search, 'spaces at the end')
  const at = the(ends)
  if (at !== null) {
    const lines = file.lines(at, at + search.length)
    return {
      kind: 'found',
      found: { at, count: search.length, replace: carried({ search, replace }, lines, (line) => line) ?? [] },
    }
  }
  if (ends.count > 1) return { kind: 'not', places: ends }
  const around = file.likeOccurrences(search, 'spaces around')
  const found = around.first.flatMap((start) => {
    const lines = file.lines(start, start + search.length)
    const reindent = reindentation(search, lines)
    return reindent === null
      ? []
      : [{ at: start, count: search.length, replace: carried({ search, replace }, lines, reindent) }]
  })
  const [first] = found
  if (first === undefined) return { kind: 'not', places: NOWHERE }
  if (found.length > 1 || around.count > around.first.length)
    return { kind: 'not', places: { count: Math.max(found.length, 2), first: found.map((one) => one.at) } }
  return first.replace === null
    ? { kind: 'not', places: NOWHERE }
    : { kind: 'found', found: { ...first, replace: first.replace } }
}

/**
 * A replacement as it is put in place of lines that are like the SEARCH: its lines that stand in the SEARCH too stay as the
 * file has them.
 */
function carried(
  { search, replace }: Sides,
  lines: readonly string[],
  make: (line: string) => string | null,
): string[] | null {
  const known = new Map(search.map((text, index) => [text, String(lines[index])]))
  const most = Math.min(search.length, replace.length)
  let head = 0
  while (head < most && search[head] === replace[head]) head += 1
  let tail = 0
  while (tail < most - head && search.at(-1 - tail) === replace.at(-1 - tail)) tail += 1
  const made = replace.map((line, index) => {
    if (index < head) return String(lines[index])
    if (index >= replace.length - tail) return String(lines[index - replace.length + lines.length])
    return known.get(line) ?? make(line)
  })
  return made.some((line) => line === null) ? null : made.map(String)
}

/** How the lines of a replacement are to be indented in a file; null: it cannot be said of one. */
type Reindent = (line: string) => string | null

/**
 * Where a SEARCH differs from lines of a file by one indentation that all its lines have in common, and by spaces at line
 * ends: how lines of its REPLACE are indented there. Null: they differ in more.
 */
function reindentation(search: readonly string[], lines: readonly string[]): Reindent | null {
  const [from, to] = [commonIndent(search), commonIndent(lines)]
  if (from === null || to === null) return null
  const isSame = search.every((line, index) => {
    const other = String(lines[index])
    if (isBlank(line) || isBlank(other)) return isBlank(line) && isBlank(other)
    return line.slice(from.length).trimEnd() === other.slice(to.length).trimEnd()
  })
  return isSame ? (line) => reindented(line, from, to) : null
}

function reindented(line: string, from: string, to: string): string | null {
  if (isBlank(line)) return ''
  if (line.startsWith(from)) return to + line.slice(from.length)
  // Further out than every line of the SEARCH: only a shift can be carried over.
  if (to.startsWith(from)) return to.slice(from.length) + line
  const shift = from.startsWith(to) ? from.slice(to.length) : null
  return shift !== null && line.startsWith(shift) ? line.slice(shift.length) : null
}

/** The longest white space that all lines with any text start with; null where none has text. */
function commonIndent(lines: readonly string[]): string | null {
  let common: string | null = null
  for (const line of lines) {
    if (isBlank(line)) continue
    const indent = line.slice(0, line.length - line.trimStart().length)
    if (common === null) common = indent
    else while (!indent.startsWith(common)) common = common.slice(0, -1)
  }
  return common
}

function isBlank(line: string): boolean {
  return line.trim() === ''
}

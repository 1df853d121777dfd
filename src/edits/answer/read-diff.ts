import type { Edit, Replacement } from '../edit.ts'
import { saysTraits, traitsOf } from '../file-traits.ts'
import { type AnswerLines, malformed } from './answer-lines.ts'
import { type Hunk, rangesOf, readHunk, startsFile } from './hunks.ts'

const NO_FILE = '/dev/null'
/** Lines between the header of git and the names of the file. */
const GIT_LINE =
  /^(?:index |old mode |new mode |new file mode |deleted file mode |similarity index |dissimilarity index |rename from |rename to |copy from |copy to |GIT binary patch|Binary files )/
const MODE = /^(old|new|new file) mode (?:100644|100(755))$/

/** What a diff says of one file. */
type FileDiff = {
  at: number
  before: string
  after: string
  renames: boolean
  /** Its mode is changed, or a new file has it. */
  executable?: boolean
  hunks: Hunk[]
}

/** Whether a unified diff starts at a line: with the header of git, or the names of the file before and after. */
export function startsDiff(lines: AnswerLines, at: number): boolean {
  return String(lines.line(at)).startsWith('diff --git ') || startsFile(lines.all, at)
}

/** Whether a line is the header of a hunk. */
export function isHunkHeader(line: string): boolean {
  return /^@@(?: |$)/.test(line)
}

/**
 * Reads the unified diff that starts at `lines.at` and moves on behind it. Its hunks are pairs like any other: what they
 * show as it was must stand in the file exactly; the numbers only tell which of several places is meant.
 *
 * @param options.block of the first file
 * @param options.end the line that closes the fence around it; else the end of the answer
 * @param options.path the file of hunks that stand below no names
 * @throws {Fault} `edits_malformed` for what is no diff, and for what edits cannot say: links, submodules, binary files
 */
export function readDiff(
  lines: AnswerLines,
  { block, end, path }: { block: number; end: number; path: string | null },
): Edit[] {
  const edits: Edit[] = []
  while (lines.at < end) {
    const at = lines.at
    const line = String(lines.line(at))
    const isBare = path !== null && edits.length === 0 && isHunkHeader(line)
    if (!isBare && !startsDiff(lines, at)) break
    const file: FileDiff = isBare
      ? { at, before: path, after: path, renames: false, hunks: [] }
      : readNames(lines, block + edits.length, end)
    readHunks(lines, file, { block: block + edits.length, end })
    edits.push(...editsOf(file, block + edits.length))
    lines.at = Math.min(end, skipBlank(lines, lines.at))
  }
  return edits
}

function skipBlank(lines: AnswerLines, at: number): number {
  const next = lines.nextWord(at)
  return startsDiff(lines, next) ? next : at
}

type Names = [before: string, after: string]
/** What the lines above the hunks say of a file. */
type Said = {
  git: Names | null
  from: string | null
  to: string | null
  isNew: boolean
  isGone: boolean
  names: Names | null
}

function readNames(lines: AnswerLines, block: number, end: number): FileDiff {
  const at = lines.at
  const [start, before = '', after = ''] = /^diff --git (\S+) (\S+)$/.exec(String(lines.line(at))) ?? []
  const git: Names | null = start === undefined ? null : [nameOf(before), nameOf(after)]
  const said: Said = { git, from: null, to: null, isNew: false, isGone: git?.[1] === NO_FILE, names: null }
  let executable: boolean | undefined
  if (String(lines.line(at)).startsWith('diff --git ')) lines.at += 1
  for (; lines.at < end && !startsFile(lines.all, lines.at); lines.at += 1) {
    const line = String(lines.line(lines.at))
    if (!GIT_LINE.test(line)) break
    if (!said.isGone || !line.startsWith('Binary files ')) refuseUnsayable(line, block, lines.at)
    const [, which, mode] = MODE.exec(line) ?? []
    if (which === 'new' || (which === 'new file' && mode !== undefined)) executable = mode !== undefined
    said.isNew ||= line.startsWith('new file')
    said.isGone ||= line.startsWith('deleted file')
    if (line.startsWith('rename from ')) said.from = line.slice('rename from '.length)
    if (line.startsWith('rename to ')) said.to = line.slice('rename to '.length)
  }
  if (lines.at < end && startsFile(lines.all, lines.at)) {
    said.names = [nameIn(lines, lines.at), nameIn(lines, lines.at + 1)]
    lines.at += 2
  }
  const names = namesSaid(said, (what) => malformed(block, at + 1, what))
  return { at, ...names, ...(executable === undefined ? {} : { executable }), hunks: [] }
}

function nameIn(lines: AnswerLines, at: number): string {
  return nameOf(String(lines.line(at)).slice(4))
}

/** @throws {Fault} what `refuse` makes, where the lines above the hunks name no file, or contradict each other */
function namesSaid(
  { git, from, to, isNew, isGone, names }: Said,
  refuse: (what: string) => Error,
): Pick<FileDiff, 'before' | 'after' | 'renames'> {
  const renames = from !== null || to !== null
  const [left, right] = names ?? git ?? [null, null]
  const before = isNew && names === null ? NO_FILE : (from ?? left)
  const after = isGone && names === null ? NO_FILE : (to ?? right)
  if (before === null || after === null || (before === NO_FILE && after === NO_FILE))
    throw refuse('the diff names no file')
  if (!renames && [git, [before, after] satisfies Names].some(isOfTwo))
    throw refuse(`the diff names two files, "${before}" and "${after}"`)
  const isOther = (side: 0 | 1, name: string) =>
    [git, names].some(
      (pair) => pair !== null && pair[side] !== name && (renames || (name !== NO_FILE && pair[side] !== NO_FILE)),
    )
  const isMarked = (isNew && before !== NO_FILE) || (isGone && after !== NO_FILE)
  if (isMarked || isOther(0, before) || isOther(1, after))
    throw refuse(`the lines above the hunks of "${after === NO_FILE ? before : after}" contradict each other`)
  return { before, after, renames }
}

function isOfTwo(names: Names | null): boolean {
  return names !== null && names[0] !== names[1] && !names.includes(NO_FILE)
}

/** Without the time behind a tab, quotes, and what git puts before a path. */
function nameOf(text: string): string {
  const [name = ''] = text.split('\t')
  const plain = name.trim().replace(/^"(.*)"$/s, '$1')
  return plain === NO_FILE ? plain : plain.replace(/^[ab]\//, '')
}

function refuseUnsayable(line: string, block: number, at: number): void {
  const what = /^(?:GIT binary|Binary)/.test(line)
    ? 'a binary file'
    : /^(?:copy )/.test(line)
      ? 'a copy'
      : / mode /.test(line) && !MODE.test(line) && !line.startsWith('deleted')
        ? 'what is no plain file, a link or a submodule'
        : null
  if (what !== null) throw malformed(block, at + 1, `the diff changes ${what}, which edits cannot say`)
}

function readHunks(lines: AnswerLines, file: FileDiff, { block, end }: { block: number; end: number }): void {
  for (; lines.at < end && isHunkHeader(String(lines.line(lines.at))); ) {
    const header = lines.at
    const ranges = rangesOf(String(lines.line(header)))
    const { hunk, next } = readHunk(lines.all, header + 1, { announced: ranges, end })
    const isShort = ranges !== null && (hunk.search.length < ranges.before || hunk.replace.length < ranges.after)
    if (isShort && !mayEnd(lines, next, end))
      throw malformed(block, next + 1, 'the hunk ends before this line, and has fewer lines than its header says')
    const near = ranges === null || ranges.line === 0 ? {} : { near: { line: ranges.line } }
    const fillsEmpty = ranges?.line === 0 && ranges.before === 0
    if (hunk.search.length === 0 && !fillsEmpty && file.before !== NO_FILE)
      throw malformed(block, header + 1, 'the hunk shows no line of the file, so that its place cannot be found')
    file.hunks.push({ ...hunk, line: header + 1, ...near })
    lines.at = next
  }
}

/**
 * Whether a hunk with fewer lines than announced is a whole one, of which the model has only miscounted the lines: another
 * hunk or file follows, or words that look like none of its lines.
 */
function mayEnd(lines: AnswerLines, next: number, end: number): boolean {
  const behind = lines.line(next)
  if (behind === null || lines.nextWord(next) === lines.all.length) return false
  if (isHunkHeader(behind) || startsDiff(lines, next)) return true
  return next < end ? behind.trim() === '' : !/^(?:[+ ]|-(?! |--))/.test(lines.line(next + 1) ?? '')
}

function editsOf({ at, before, after, renames, hunks, ...said }: FileDiff, block: number): Edit[] {
  const place = { block, line: at + 1 }
  const traits = traitsOf(said)
  if (after === NO_FILE) return deletion(hunks, { ...place, path: before })
  if (before === NO_FILE) return [{ ...newFile(hunks, { ...place, path: after }), ...traits }]
  const replacements = hunks.map(pairOf)
  if (hunks.length === 0 && !renames && !saysTraits(traits))
    throw malformed(block, at + 1, 'the diff has no hunk that starts with "@@"')
  const moved: Edit[] = renames ? [{ ...place, kind: 'rename', path: before, to: after }] : []
  const isMoveAlone = hunks.length === 0 && !saysTraits(traits)
  return isMoveAlone ? moved : [...moved, { ...place, ...traits, kind: 'edit', path: after, replacements }]
}

/** The lines it shows are taken away first, so that it deletes no file that has others. */
function deletion(hunks: readonly Hunk[], place: { block: number; line: number; path: string }): Edit[] {
  if (hunks.some(({ replace }) => replace.length > 0))
    throw malformed(place.block, place.line, 'the diff deletes a file and shows lines that stay in it')
  const replacements = hunks.map((hunk) => pairOf({ ...hunk, unended: { before: false, after: false } }))
  const shown: Edit[] = hunks.length === 0 ? [] : [{ ...place, kind: 'edit', replacements }]
  return [...shown, { ...place, kind: 'delete' }]
}

function newFile(
  hunks: readonly Hunk[],
  place: { block: number; line: number; path: string },
): Extract<Edit, { kind: 'write' }> {
  const body = hunks.flatMap(({ replace }) => replace)
  if (hunks.some(({ search }) => search.length > 0))
    throw malformed(place.block, place.line, 'the diff makes a new file and shows lines that stood in it')
  const isUnended = hunks.some(({ unended }) => unended.after)
  return { ...place, kind: 'write', body, namedBy: 'title', ...(isUnended ? { finalNewline: false } : {}) }
}

function pairOf({ unended, ...pair }: Hunk): Replacement {
  return unended.before === unended.after ? pair : { ...pair, finalNewline: unended.before }
}

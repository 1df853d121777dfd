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
  before: string | null
  after: string | null
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

function readNames(lines: AnswerLines, block: number, end: number): FileDiff {
  const at = lines.at
  const file: FileDiff = { at, before: null, after: null, renames: false, hunks: [] }
  const git = /^diff --git (\S+) (\S+)$/.exec(String(lines.line(at)))
  if (git !== null) [file.before, file.after] = [nameOf(String(git[1])), nameOf(String(git[2]))]
  if (String(lines.line(at)).startsWith('diff --git ')) lines.at += 1
  for (; lines.at < end && !startsFile(lines.all, lines.at); lines.at += 1) {
    const line = String(lines.line(lines.at))
    if (!GIT_LINE.test(line)) break
    if (file.after !== NO_FILE || !line.startsWith('Binary files ')) refuseUnsayable(line, block, lines.at)
    const [, which, executable] = MODE.exec(line) ?? []
    if (which === 'new' || (which === 'new file' && executable !== undefined))
      file.executable = executable !== undefined
    if (line.startsWith('new file')) file.before = NO_FILE
    if (line.startsWith('deleted file')) file.after = NO_FILE
    if (line.startsWith('rename from ')) file.before = line.slice('rename from '.length)
    if (line.startsWith('rename to ')) file.after = line.slice('rename to '.length)
    file.renames ||= line.startsWith('rename ')
  }
  if (lines.at < end && startsFile(lines.all, lines.at)) {
    const names = [String(lines.line(lines.at)), String(lines.line(lines.at + 1))].map((line) => nameOf(line.slice(4)))
    if (!file.renames) [file.before, file.after] = [String(names[0]), String(names[1])]
    lines.at += 2
  }
  if (file.before === null || file.after === null) throw malformed(block, at + 1, 'the diff names no file')
  const isOther = file.before !== file.after && file.before !== NO_FILE && file.after !== NO_FILE
  if (isOther && !file.renames)
    throw malformed(block, at + 1, `the diff names two files, "${file.before}" and "${file.after}"`)
  return file
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
  const [from, to] = [String(before), String(after)]
  if (to === NO_FILE) return [{ ...place, kind: 'delete', path: from }]
  if (from === NO_FILE) return [{ ...newFile(hunks, { ...place, path: to }), ...traits }]
  const replacements = hunks.map(pairOf)
  if (hunks.length === 0 && !renames && !saysTraits(traits))
    throw malformed(block, at + 1, 'the diff has no hunk that starts with "@@"')
  const moved: Edit[] = renames ? [{ ...place, kind: 'rename', path: from, to }] : []
  const isMoveAlone = hunks.length === 0 && !saysTraits(traits)
  return isMoveAlone ? moved : [...moved, { ...place, ...traits, kind: 'edit', path: to, replacements }]
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

import type { Edit, Replacement } from '../edit.ts'
import { type AnswerLines, malformed, shownLine } from './answer-lines.ts'
import { exactHeader } from './headings.ts'
import { fenceOf } from './line-shapes.ts'

const BEGIN = '*** Begin Patch'
const END = '*** End Patch'
const FILE = /^\*\*\* (Add|Update|Delete) File:\s*(\S.*)$/
const MOVE = /^\*\*\* Move to:\s*(\S.*)$/
const END_OF_FILE = '*** End of File'

/** Whether a patch in the form `*** Begin Patch` starts at a line; also one without that line. */
export function startsPatch(line: string): boolean {
  return isBeginOfPatch(line) || FILE.test(line)
}

/** Whether a line begins a patch that a line must end. */
export function isBeginOfPatch(line: string): boolean {
  return line.trimEnd() === BEGIN
}

/**
 * Reads the patch that starts at `lines.at`, up to `*** End Patch`, and moves on behind it. Its changes are pairs like any
 * other; what stands behind `@@` tells which of several places is meant.
 *
 * @param options.block of the first file
 * @param options.end the line that closes the fence around it; else the end of the answer
 * @throws {Fault} `edits_malformed` for a line that is none of a patch, and for a patch that does not end
 */
export function readPatch(lines: AnswerLines, { block, end }: { block: number; end: number }): Edit[] {
  const begun = lines.at
  const edits: Edit[] = []
  if (isBeginOfPatch(String(lines.line(begun)))) lines.at += 1
  const mayStop = lines.at === begun
  while (lines.at < end) {
    const line = String(lines.line(lines.at))
    if (line.trimEnd() === END) {
      lines.at += 1
      return edits
    }
    if (FILE.test(line)) {
      edits.push(...readFile(lines, block + edits.length, end))
      if (mayStop) refuseEmptyFile(lines, edits.at(-1), end)
    } else if (line.trim() === '') lines.at += 1
    else if (mayStop || fenceOf(line) !== null) break
    else throw malformed(block + edits.length, lines.at + 1, `"${shownLine(line)}" is no line of a patch`)
  }
  if (mayStop || (lines.at === end && end < lines.all.length)) return edits
  throw malformed(block, begun + 1, `the patch is never closed by a line "${END}"`)
}

/** A file without lines, and text behind it that is no line of a patch: its lines have lost their signs. */
function refuseEmptyFile(lines: AnswerLines, edit: Edit | undefined, end: number): void {
  const next = lines.nextWord(lines.at)
  const line = lines.line(next) ?? ''
  if (edit?.kind !== 'write' || edit.body.length > 0 || next >= end) return
  if (!FILE.test(line) && line.trimEnd() !== END && fenceOf(line) === null && exactHeader(line) === null)
    throw malformed(
      edit.block,
      next + 1,
      'each line of an added file starts with "+", and this one stands behind a file without lines',
    )
}

function readFile(lines: AnswerLines, block: number, end: number): Edit[] {
  const at = lines.at
  const [, what, path = ''] = FILE.exec(String(lines.line(at))) ?? []
  lines.at += 1
  const place = { block, line: at + 1, path: path.trim() }
  if (what === 'Delete') return [{ ...place, kind: 'delete' }]
  if (what === 'Add') return [{ ...place, kind: 'write', body: addedLines(lines, end), namedBy: 'title' }]
  const [, to] = MOVE.exec(String(lines.line(lines.at))) ?? []
  if (to !== undefined) lines.at += 1
  const replacements = readChanges(lines, block, end)
  if (replacements.length === 0 && to === undefined)
    throw malformed(block, at + 1, 'the patch changes nothing in this file')
  const moved: Edit[] = to === undefined ? [] : [{ ...place, kind: 'rename', to: to.trim() }]
  if (replacements.length === 0) return moved
  return [...moved, { ...place, kind: 'edit', path: to === undefined ? place.path : to.trim(), replacements }]
}

function addedLines(lines: AnswerLines, end: number): string[] {
  const body: string[] = []
  for (; lines.at < end && lines.line(lines.at)?.startsWith('+') === true; lines.at += 1)
    body.push(String(lines.line(lines.at)).slice(1))
  return body
}

function readChanges(lines: AnswerLines, block: number, end: number): Replacement[] {
  const changes: Replacement[] = []
  while (lines.at < end) {
    const at = lines.at
    let below: string | null = null
    for (; /^@@(?: |$)/.test(String(lines.line(lines.at))); lines.at += 1) {
      const text = String(lines.line(lines.at))
        .slice(2)
        .trim()
        .replace(/(?<!\s)\s*@@$/, '')
      if (text !== '') below = text
    }
    const change = readLines(lines, end)
    if (change === null) {
      if (lines.at > at) throw malformed(block, at + 1, 'no change follows "@@"')
      return changes
    }
    if (change.search.length === 0)
      throw malformed(block, at + 1, 'the change shows no line of the file, so that its place cannot be found')
    changes.push({ line: at + 1, ...change, ...(below === null ? {} : { near: { below } }) })
  }
  return changes
}

/** Lines of one change; null where there is none. A blank line is one of the file. */
function readLines(lines: AnswerLines, end: number): { search: string[]; replace: string[] } | null {
  const search: string[] = []
  const replace: string[] = []
  const from = lines.at
  for (; lines.at < end; lines.at += 1) {
    const line = String(lines.line(lines.at))
    const [sign = ' '] = line
    if (!' +-'.includes(sign)) break
    if (sign !== '+') search.push(line.slice(1))
    if (sign !== '-') replace.push(line.slice(1))
  }
  while (search.at(-1) === '' && replace.at(-1) === '' && lines.line(lines.at - 1) === '') {
    lines.at -= 1
    search.pop()
    replace.pop()
  }
  const isBlank = lines.at === from
  if (lines.line(lines.at)?.trimEnd() === END_OF_FILE) lines.at += 1
  return isBlank ? null : { search, replace }
}

import type { ScopeNames } from '../scope-names.ts'
import type { AnswerLines } from './answer-lines.ts'
import { exactHeader, isHeading, titleOf, withoutComment } from './headings.ts'
import { hasSignsOfCode, markerOf } from './line-shapes.ts'
import { isHunkHeader, startsDiff } from './read-diff.ts'
import { startsPatch } from './read-patch.ts'
import { isShell } from './shell-commands.ts'

/** What a fence holds, and the line it starts at: text is anything that is no change by its form. */
export type Content = { kind: 'edits' | 'diff' | 'patch' | 'text'; from: number }

/** What the fences of an answer hold. Each line is looked at once, however many fences are around it. */
export class FenceContents {
  readonly #lines: AnswerLines
  /** Where the last look began, and the first change from there on; null: there is none. */
  #seen: { from: number; change: Content | null } | null = null

  constructor(lines: AnswerLines) {
    this.#lines = lines
  }

  /** What stands in the lines from `from` up to `to`. */
  between(from: number, to: number): Content {
    const change = this.#firstChange(from)
    return change !== null && change.from < to ? change : { kind: 'text', from }
  }

  #firstChange(from: number): Content | null {
    const seen = this.#seen
    if (seen !== null && from >= seen.from && (seen.change === null || from <= seen.change.from)) return seen.change
    let change: Content | null = null
    for (let at = from; at < this.#lines.all.length && change === null; at += 1) change = changeAt(this.#lines, at)
    this.#seen = { from, change }
    return change
  }
}

function changeAt(lines: AnswerLines, at: number): Content | null {
  const line = String(lines.line(at))
  const role = markerOf(line)?.role
  if (exactHeader(line) !== null || (role !== undefined && role !== 'divider')) return { kind: 'edits', from: at }
  if (startsPatch(line)) return { kind: 'patch', from: at }
  return startsDiff(lines, at) || isHunkHeader(line) ? { kind: 'diff', from: at } : null
}

/** The file in scope that the info string of a fence names: ```ts src/a.ts, ```src/a.ts, ```ts title="src/a.ts". */
export function fileNamedIn(info: string, names: ScopeNames): string | null {
  const [named, ...more] = names.mentionedIn(info.replaceAll(':', ' '))
  return named === undefined || more.length > 0 ? null : named
}

/**
 * The file in scope that the first line of a fence names as the one of its text; null: none, or it may be one of a list.
 *
 * @param options.next the line behind it
 */
export function fileNamedAbove(
  line: string,
  { info, next }: { info: string; next: string },
  names: ScopeNames,
): string | null {
  const title = titleOf(line, names)
  if (title === null || !title.inScope || isShell(info)) return null
  const isMarked = withoutComment(line.trim()) !== line.trim() || isHeading(line)
  const isProgram = info !== '' && !PLAIN.test(info)
  return isMarked || isProgram || hasSignsOfCode(next) ? title.path : null
}

const PLAIN = /^(?:te?xt|plain|plaintext|output|logs?|none)\b/i

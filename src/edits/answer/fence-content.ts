import type { ScopeNames } from '../scope-names.ts'
import { type AnswerLines, shownLine } from './answer-lines.ts'
import { exactHeader, isHeading, titleOf, withoutComment } from './headings.ts'
import { hasSignsOfCode, markerOf } from './line-shapes.ts'
import { isHunkHeader, startsDiff } from './read-diff.ts'
import { startsPatch } from './read-patch.ts'

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

/** Elements and keys in which other tools have changes written. */
const TOOL_TAG =
  /^\s*<\/?(?:write_to_file|apply_diff|replace_in_file|insert_content|search_and_replace|(?:create|edit|update|delete|rename|write|new|modify|rewrite|append|replace)_?file|str_replace\w*|apply_patch|multi_?edit|function_calls?|tool_(?:calls?|use|code)|invoke|(?:antml|bolt|dyad|lov)[\w:-]+|boltAction|code_edit|search_replace|file_(?:content|write|edit|change)s?)\b/i
const PLAIN_TAG = /^\s*<\/?[a-z][\w:-]*[\s>]/i
const MARKUP_TAG =
  /^\s*<\/?(?:details|summary|br|hr|p|a|b|i|code|pre|img|kbd|sub|sup|table|tr|td|th|ul|ol|li|div|span|h[1-6])\b/i
const TOOL_KEY =
  /"(?:old_str(?:ing)?|new_str(?:ing)?|file_text|file_path|filePath|target_file|code_edit|patch_text|old_text|new_text|oldText|newText)"\s*:|"command"\s*:\s*"(?:str_replace|create|insert|write|edit|delete)"/
const CHANGES_FILES =
  /^(?:rm|mv|cp|tee|touch|patch|truncate|ln|install|rmdir|unlink|git (?:rm|mv|apply|checkout|restore)|sed (?:-\S+ )*-\S*i|perl (?:-\S+ )*-\S*i)\b/
const PROMPT = /^(?:[$#>]|sudo|%)\s+/
const SHELLS = /^(?:sh|bash|shell|zsh|fish|console|terminal|powershell|ps1|cmd|bat|shell-session|shellsession)\b/i

/** Whether the info string of a fence says that it holds commands. */
export function isShell(info: string): boolean {
  return SHELLS.test(info)
}

/** Whether a line calls a tool of another system, or holds a change in its form. */
export function callsTool(line: string, names: ScopeNames): boolean {
  if (TOOL_TAG.test(line) || TOOL_KEY.test(line)) return true
  return PLAIN_TAG.test(line) && !MARKUP_TAG.test(line) && names.mentionedIn(line).length > 0
}

/** The file in scope that a line changes which is a command and nothing else; null: none. */
export function changedByLine(line: string, names: ScopeNames): string | null {
  const command = line
    .trim()
    .replace(/^`(.*)`$/, '$1')
    .replace(PROMPT, '')
  const [changed] = CHANGES_FILES.test(command) ? names.mentionedIn(command) : []
  return changed ?? null
}

/** The file in scope that a command line changes; null: none. */
export function changedByCommand(line: string, names: ScopeNames): string | null {
  for (const part of line.split(/&&|\|\||[;|]/)) {
    const command = part.trim().replace(PROMPT, '')
    if (CHANGES_FILES.test(command)) {
      const [changed] = names.mentionedIn(command)
      if (changed !== undefined) return changed
    }
    const redirect = command.lastIndexOf('>')
    const target = redirect === -1 ? undefined : names.mentionedIn(command.slice(redirect + 1))[0]
    if (target !== undefined) return target
  }
  return null
}

/** As `chmod +x bin/run`, or as git has it. */
const SETS_MODE =
  /^(?:chmod |git (?:add|update-index) (?:--add )?--chmod=)(?:(?:[au]|ugo)?([+-])x|0?(?:7[57]5|6[46]4))\s/

/** The files in scope that a command line makes executable, or takes that from; null: it is no such command. */
export function modeByCommand(line: string, names: ScopeNames): { paths: string[]; executable: boolean } | null {
  const command = line.trim().replace(PROMPT, '')
  const [start, sign] = SETS_MODE.exec(command) ?? []
  if (start === undefined) return null
  const executable = sign === undefined ? start.includes('7') : sign === '+'
  const [files = ''] = command.slice(start.length).split(/&&|\|\||[;|#]/)
  return { paths: names.mentionedIn(files), executable }
}

/** Why a line in the form of another tool is refused. */
export function foreignForm(line: string): string {
  return `"${shownLine(line)}" is a change in a form that is not read here. Write every change as a block that starts with a line like "### edit path"`
}

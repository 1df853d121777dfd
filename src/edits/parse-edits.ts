import { Fault } from '../faults/fault.ts'
import { AnswerLines } from './answer/answer-lines.ts'
import { AnswerReader } from './answer/answer-reader.ts'
import { AnswerState } from './answer/answer-state.ts'
import type { Edit } from './edit.ts'
import { ScopeNames } from './scope-names.ts'

/**
 * Reads a model's answer in Moose's edit format, which `format-guide.ts` describes; unified diffs and patches of the form
 * `*** Begin Patch` are read as well.
 *
 * Prose around blocks is ignored, and so are code fences around a whole block or a SEARCH/REPLACE pair. A line ending
 * may be LF or CRLF. What looks like a change is understood or an error, never ignored.
 *
 * @param scope the order's `files_in_scope`, by which names of files are known that stand in no header
 * @param files the files of the base, by which names in a folder of the scope are known
 * @returns at least one edit, in the order of the answer
 * @throws {Fault} `edits_malformed` naming the first block and line that do not follow the format; details `block` and
 *   `line` (from 1, 0 when there is none); `edits_missing` when there is no block at all
 */
export function parseEdits(text: string, scope: readonly string[] = [], files: readonly string[] = []): Edit[] {
  return parseAnswer(text, new ScopeNames(scope, files)).edits
}

/** The same with the lines outside of blocks; an empty one stands for a block. @throws {Fault} as `parseEdits` */
export function parseAnswer(text: string, names = new ScopeNames([])): { edits: Edit[]; prose: string[] } {
  const state = new AnswerState(new AnswerLines(text), names)
  const edits = new AnswerReader(state).read()
  if (edits.length === 0)
    throw new Fault('edits_missing', `${missing(text)} A block starts with a line like "### edit path".`)
  return { edits, prose: state.prose }
}

const WRITES_BY_COMMAND = /^ {0,8}(?:[$#>] )?(?:cat|tee)\b[^\n<]{0,200}<<-? ?\\?["']?\w/m
const AS_JSON = /^ {0,8}(?:\{|\[ ?\{|\[$|"(?:path|file|file_?name|file_?path)"\s?:)/im
const JSON_PATH = /"(?:path|file|file_?name|file_?path)"\s?:/i

/** What an answer without a block has in its place. */
function missing(text: string): string {
  if (WRITES_BY_COMMAND.test(text))
    return 'The answer has no block, and commands with a here-document are not run: write a file as "### write path" with its content in a fence.'
  if (AS_JSON.test(text) && JSON_PATH.test(text))
    return 'The answer has no block, and edits are not read as JSON: write each as SEARCH/REPLACE pairs below "### edit path".'
  if (/^[^\S\n]{0,3}(?:`{3}|~{3})/m.test(text))
    return 'The answer has no block, and no line names the file of what its fences hold.'
  return 'The answer has no block.'
}

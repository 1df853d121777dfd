import type { ScopeNames } from '../scope-names.ts'
import { type AnswerLines, shownLine } from './answer-lines.ts'

/** What no line lacks that calls a tool. */
const MAY_CALL = /["'<([✿]|functions\./i
/** Elements and keys in which other tools have changes written. */
const TOOL_TAG =
  /^\s*<\/?(?:write_to_file|apply_diff|replace_in_file|insert_content|search_and_replace|(?:create|edit|update|delete|rename|write|new|modify|rewrite|append|replace)_?file|str_replace\w*|apply_patch|multi_?edit|function_calls?|tool_(?:calls?|use|code)|invoke|(?:antml|bolt|dyad|lov)[\w:-]+|boltAction|code_edit|search_replace|file_(?:content|write|edit|change)s?)\b/i
const PLAIN_TAG = /^\s*<\/?[a-z][\w:-]*[\s>]/i
const MARKUP_TAG =
  /^\s*<\/?(?:details|summary|br|hr|p|a|b|i|code|pre|img|kbd|sub|sup|table|tr|td|th|ul|ol|li|div|span|h[1-6]|explanation|note|notes|answer|reason|result|response|description|rationale|comment)\b/i
/** A component that a sentence begins with. */
const COMPONENT = /^\s*<(?!File|Path|Edit|Write|Delete|Rename|Update|Create|Remove|Move)[A-Z]\w*(?:\s?\/)?>\s+[a-z]+\s/
const TOOL_KEY =
  /"(?:old_str(?:ing)?|new_str(?:ing)?|file_text|file_path|filePath|target_file|code_edit|patch_text|old_text|new_text|oldText|newText)"\s*:|"command"\s*:\s*"(?:str_replace|create|insert|write|edit|delete)"/
/** What models write around calls where nothing reads them. */
const TOOL_TOKEN =
  /^\s*(?:\[(?:TOOL_CALLS|TOOL_REQUEST|FUNCTION_CALL)\]|<[|｜](?:python_tag|tool[\w▁]*|plugin|action_start|START_ACTION|function[\w▁]*)[|｜▁>]|<(?:function|parameter)=|<arg_(?:key|value)>|<start_function_call>|<(?:xai|minimax|seed):\w+|✿(?:FUNCTION|ARGS)✿|(?:>>>\s*)?functions\.(?:edit|write|delete|rename)\b)|\bto=functions\.(?:edit|write|delete|rename)\b/i
const VERBS = 'edit|write|delete|rename|remove|create|update|replace|move'
const NAMES_CALL = new RegExp(
  `["'](?:name|tool|tool_name|function|recipient_name)\\\\?["']\\s*:\\s*\\\\?["'](?:functions\\.)?(?:${VERBS})(?:_?files?)?\\\\?["']`,
  'i',
)
const SAYS_CHANGE = new RegExp(
  `["'](?:action|type|op|operation|command|kind|verb|method)\\\\?["']\\s*:\\s*\\\\?["'](?:${VERBS})(?:_?files?)?\\\\?["']|["'](?:search|replace|replacement|contents?|new_content|to|new_path)\\\\?["']\\s*:|^\\s*(?:action input|arguments|args|parameters|input)\\s*:`,
  'i',
)
const PATH_KEY = /["'](?:path|file|file_?name|from|old_path)\\?["']\s*:\s*\\?["']([^"'\\]+)/gi
/** A line of a document of JSON. */
const OF_JSON = /^\s*(?:[{}[\],]|\\?["'])/
/** Lines of one call to either side of its path. */
const NEAR = 10
const AS_CODE = new RegExp(
  `^\\s*[[\`]{0,2}(?:print\\()?(?:(?:default_api|functions|tools?|api)\\.)?(?:${VERBS})(?:_?file)?\\(\\s*(?:\\w+\\s*=\\s*)?["']`,
  'i',
)
const PATH_WORD = /^\s*(?:- )?(?:path|file|filename)\s*:\s*["'`]?([^\s"'`]+)["'`]?\s*$/i
const CHANGE_WORD =
  /^\s*(?:- )?(?:(?:search|replace|content)\s*:|(?:action|operation|tool|op|change)\s*:\s*["'`]?(?:edit|write|delete|rename|remove|create|move)d?\b)/i

/** Whether a line calls a tool, of Moose or of another system, or holds a change in its form. */
export function callsTool(lines: AnswerLines, at: number, names: ScopeNames): boolean {
  const line = String(lines.line(at))
  if (!MAY_CALL.test(line)) return false
  if (TOOL_TAG.test(line) || TOOL_KEY.test(line) || TOOL_TOKEN.test(line)) return true
  if (AS_CODE.test(line) && names.mentionedIn(line).length > 0) return true
  const paths = Array.from(line.matchAll(PATH_KEY), ([, path]) => String(path))
  if (NAMES_CALL.test(line) && paths.some((path) => /\.\w+$/.test(path) || isInScope(path, names))) return true
  if (paths.some((path) => isInScope(path, names)) && isSaidNear(lines, at, [NAMES_CALL, SAYS_CHANGE], OF_JSON))
    return true
  return PLAIN_TAG.test(line) && !MARKUP_TAG.test(line) && !COMPONENT.test(line) && names.mentionedIn(line).length > 0
}

const WRITES =
  /\bwriteFile(?:Sync)?\(|\.write_(?:text|bytes)\(|\bopen\([^,\n]{1,200},\s{0,3}(?:mode\s?=\s?)?["'](?:[wax]|r\+)/
const IN_QUOTES = /["'`]([^"'`\s]{1,300})["'`]/
const IS_PATH = /(?:=|\bPath\()\s{0,3}["'`]([^"'`\s]{1,300})["'`]/

/** The file in scope that a line of a program writes, by its name or by a value of a line above; null: it writes none. */
export function writtenByProgram(lines: AnswerLines, at: number, names: ScopeNames): string | null {
  const line = String(lines.line(at))
  if (!WRITES.test(line)) return null
  const from = line.search(WRITES)
  const named = line.startsWith('.write', from) ? line.slice(0, from) : line.slice(from).split(',', 1).join('')
  let name = IN_QUOTES.exec(named)?.[1]
  for (let above = at; name === undefined && above >= Math.max(0, at - NEAR); above -= 1)
    name = IS_PATH.exec(String(lines.line(above)))?.[1]
  return name === undefined || !isInScope(name, names) ? null : names.meantBy(name)
}

/** The file in scope that a line names as one of a change by the lines around it, as `path: a.ts` beside `search: x` does. */
export function changedByKeys(lines: AnswerLines, at: number, names: ScopeNames): string | null {
  const [, path] = PATH_WORD.exec(String(lines.line(at))) ?? []
  if (path === undefined || !isInScope(path, names)) return null
  return isSaidNear(lines, at, [CHANGE_WORD], /\S/) ? names.meantBy(path) : null
}

function isInScope(path: string, names: ScopeNames): boolean {
  const meant = names.meantBy(path)
  return meant !== null && names.covers(meant)
}

/** Whether a line, or one of those around it that have the same form, has one of some words. */
function isSaidNear(lines: AnswerLines, at: number, words: readonly RegExp[], form: RegExp): boolean {
  const isSaid = (line: string) => words.some((known) => known.test(line))
  if (isSaid(String(lines.line(at)))) return true
  for (const step of [-1, 1]) {
    for (let near = 1; near <= NEAR; near += 1) {
      const line = lines.line(at + step * near)
      if (line === null || !form.test(line)) break
      if (isSaid(line)) return true
    }
  }
  return false
}

/** Why a line in the form of another tool is refused. */
export function foreignForm(line: string): string {
  return `"${shownLine(line)}" is a change in a form that is not read here. Write every change as a block that starts with a line like "### edit path"`
}

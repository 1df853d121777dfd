import { Fault } from '../../faults/fault.ts'
import { isGitFolder } from '../../work-order/scope.ts'

const SEARCH = /^<{5,9} SEARCH>?\s*$/
/** Python's `splitlines`, which Aider uses. @see https://docs.python.org/3/library/stdtypes.html#str.splitlines */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python counts them as ends of lines
const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/
/** What Aider may set around a block; it takes another one when the files themselves contain the first. */
const FENCE = /^\s*(`{3,}|<(?:source|code|pre|codeblock|sourcecode)>)/

/**
 * Why an answer must not reach Aider: it names a place for an edit that no edit may reach, outside of the tree or in a
 * folder `.git`. Aider would create a file outside, empty, before git refuses it; and a repository planted in a folder
 * would have git obey its configuration. Null: it names none.
 *
 * A name is looked for where Aider looks: in up to three lines above a SEARCH marker, as far as they are fences.
 *
 * @see https://github.com/Aider-AI/aider/blob/v0.86.2/aider/coders/editblock_coder.py (find_filename)
 */
export function refuseForeignPath(answer: string): Fault | null {
  // Python counts U+001F as white space, JavaScript does not.
  const lines = answer.replaceAll('\u001f', ' ').split(LINE_END)
  for (const [index, line] of lines.entries()) {
    if (!SEARCH.test(line.trim())) continue
    const foreign = namesAbove(lines.slice(Math.max(0, index - 3), index)).find(isForeign)
    if (foreign === undefined) continue
    const message = `The model names a place that is not for edits: ${foreign.slice(0, 200)}`
    return new Fault('aider_out_of_scope', message, { path: foreign.slice(0, 200) })
  }
  return null
}

function namesAbove(lines: readonly string[]): string[] {
  const names: string[] = []
  for (const line of lines.toReversed()) {
    const bare = line.replace(FENCE, '').replace(/^[\s`#*]+/, '')
    names.push(bare.replace(/(?<![\s`*:])[\s`*:]+$/, ''))
    if (!FENCE.test(line)) break
  }
  return names
}

/**
 * Absolute, in a home folder, on a drive, or climbing, also behind the language of a fence (`python ../x`) or thoughts
 * that litellm takes out (`<think>…</think>/x`); git's.
 */
function isForeign(name: string): boolean {
  if (/(^|[\s>])(\/|~|[A-Za-z]:[\\/])|(^|[\s>\\/])\.\.([\\/]|$)/.test(name)) return true
  return name.split(/[\s>\\/]/).some(isGitFolder)
}

import { type Document, isScalar } from 'yaml'
import { keysTwice } from '../repeated-keys.ts'

export const TOO_DEEP = 'this is nested too deeply to be read'

/** An error or a warning of the parser: what it warns of (an unknown tag) would be stored as something else than meant. */
type Complaint = Document.Parsed['errors'][number] | Document.Parsed['warnings'][number]

/** A problem and where in the text it begins, in characters. */
export type YamlProblem = { offset: number; words: string }

/** Characters of a key that are told. */
const LONGEST_KEY = 200

const INDENTATION = 'bad indentation: what belongs to one list or one group begins in the same column'
const NEITHER = 'this is neither "field: value" nor "- entry"; longer text goes below "field: |", indented'

/** The parser's words that speak of its inner life, and ours for them. */
const PLAIN: readonly [RegExp, string][] = [
  [/^All (?:mapping|sequence) items must start|^Sequence item without - indicator/, INDENTATION],
  [/^Implicit (?:map )?keys need/, NEITHER],
  [/^Maximum call stack size/, TOO_DEEP],
  [/^Nested mappings are not allowed in compact/, 'a value with ": " in it must stand in quotes'],
]

/**
 * What keeps a document from being read. A broken line makes the parser stumble over what follows it, so of those only
 * the first is told; keys that are there twice and unknown tags are told one by one.
 */
export function yamlProblems(document: Document.Parsed, text: string): YamlProblem[] {
  const { errors, warnings } = document
  const twice = keysTwice(document).map((offset) => ({ offset, words: `${keyAt(text, offset)} is there twice` }))
  const warned = warnings.map(({ pos: [offset], message }) => ({ offset, words: plain(message) }))
  return [...(errors.length === 0 ? [] : [firstOf(errors)]), ...twice, ...warned]
}

function firstOf(errors: readonly Complaint[]): YamlProblem {
  const [first] = errors
  if (first === undefined) return { offset: 0, words: 'this is no YAML' }
  const stretch = errors.find(({ code }) => code === 'MULTILINE_IMPLICIT_KEY')
  // A key over several lines, after a value that already ended: its last line is the one that is indented too far.
  if (first.code === 'BLOCK_AS_IMPLICIT_KEY' && stretch !== undefined)
    return { offset: stretch.pos[1] - 1, words: INDENTATION }
  return { offset: first.pos[0], words: plain(first.message) }
}

function plain(message: string): string {
  const tag = /^Unresolved tag: (.+)$/.exec(message)
  if (tag !== null) return `the tag ${tag[1]} is not known; put text that begins with ! in quotes`
  const known = PLAIN.find(([pattern]) => pattern.test(message))
  return known === undefined ? message : known[1]
}

/** A comment that may have been meant as text: `#12`, and not `# a note`. */
const WORD = /[ \t]+(#[\p{L}\p{N}][\p{L}\p{N}_./-]{0,39})/uy

/** With what a comment begins that ends a text without quotes; null: it is whole, or what follows it is written as a comment. */
export function cutShortAt(document: Document, text: string, path: readonly PropertyKey[]): string | null {
  const node = document.getIn(path, true)
  if (!isScalar(node) || node.type !== 'PLAIN' || !node.range) return null
  WORD.lastIndex = node.range[1]
  const word = WORD.exec(text)?.[1]
  return word === undefined ? null : word
}

/** The key that begins at an offset, as it is written. */
function keyAt(text: string, offset: number): string {
  const [line] = text.slice(offset, offset + LONGEST_KEY).split('\n', 1)
  const key = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^:]*)/.exec(String(line))
  return key === null ? 'a field' : String(key[1]).trim()
}

import { type Document, type ErrorCode, isAlias, isNode, visit } from 'yaml'
import { keysTwice } from '../contract/repeated-keys.ts'

/** What keeps a document from being read; `at` in characters. */
export type SyntaxProblem = { at: number; text: string }

export const TOO_DEEP = 'it is nested too deep'

/** What each error of the parser means. @see https://eemeli.org/yaml/#errors */
const WORDS: Readonly<Partial<Record<ErrorCode, string>>> = {
  ALIAS_PROPS: 'an alias (*name) can have neither a tag nor an anchor',
  BAD_ALIAS:
    'the name of an anchor or alias is missing or ends in a colon; a text that begins with * or & needs quotes',
  BAD_COLLECTION_TYPE: 'the tag does not fit what follows it',
  BAD_DIRECTIVE: 'a line that begins with % is a directive of YAML, and this is none; such a text needs quotes',
  BAD_DQ_ESCAPE: 'there is no such escape in a text in double quotes; write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_PROP_ORDER: 'an anchor or a tag has to stand before its value, on the line of it',
  BAD_SCALAR_START: 'a text cannot begin with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " stands in one line; put the text in quotes',
  BLOCK_IN_FLOW: 'a text of several lines (| or >) or a list with - cannot stand within [ ] or { }',
  IMPOSSIBLE: 'it cannot be read as YAML from here',
  MISSING_CHAR: 'a quote, bracket, comma, colon or space is missing here or above',
  MULTILINE_IMPLICIT_KEY: 'a key has to stand on one line, with its colon; perhaps a colon or a quote is missing',
  MULTIPLE_ANCHORS: 'a value can have one anchor only',
  MULTIPLE_DOCS: 'a second document begins here (---); moose.yaml is a single one',
  MULTIPLE_TAGS: 'a value can have one tag only',
  NON_STRING_KEY: 'a key has to be a text',
  RESOURCE_EXHAUSTION: TOO_DEEP,
  TAB_AS_INDENT: 'a tab indents; YAML wants spaces',
  TAG_RESOLVE_FAILED: 'the tag is not known, or does not fit its value; a text that begins with ! needs quotes',
  UNEXPECTED_TOKEN: 'this does not belong here; perhaps a quote, a bracket, a dash or a space is missing or too much',
}

/** Where the parser says which character it misses. */
const MISSING = /^Missing (?:closing )?(["',:])|^Flow .{0,80} end with a ([\]}])/

/** Every one of a document, in the order of the text; of its aliases only where it can be read otherwise. */
export function syntaxProblems(document: Document.Parsed, text: string): SyntaxProblem[] {
  const errors = document.errors.map(({ code, pos, message }) => ({ at: pos[0], text: wordsOf(code, message) }))
  const twice = keysTwice(document).map((at) => ({ at, text: `the key ${keyAt(text, at)} is there twice` }))
  const aliases = errors.length === 0 ? unknownAliases(document) : []
  return [...errors, ...twice, ...aliases].toSorted((left, right) => left.at - right.at)
}

function wordsOf(code: ErrorCode, message: string): string {
  const [, quote, bracket] = MISSING.exec(message) ?? []
  const mark = quote ?? bracket
  if (mark !== undefined) return `a ${mark} is missing here or above`
  return WORDS[code] ?? 'it cannot be read as YAML from here'
}

function keyAt(text: string, at: number): string {
  const [key = ''] = /^(?:"[^"\n]{0,100}"|'[^'\n]{0,100}'|[^\s:,}]{1,100})/.exec(text.slice(at, at + 110)) ?? []
  return key
}

/** An alias names what is anchored above it. */
function unknownAliases(document: Document.Parsed): SyntaxProblem[] {
  const problems: SyntaxProblem[] = []
  const anchors = new Set<string>()
  visit(document, (_, node) => {
    if (isAlias(node)) {
      if (!anchors.has(node.source) && node.range)
        problems.push({
          at: node.range[0],
          text: 'an alias (*name) names no anchor (&name) above it; a text that begins with * needs quotes',
        })
    } else if (isNode(node) && 'anchor' in node && typeof node.anchor === 'string') anchors.add(node.anchor)
  })
  return problems
}

/** What the parser refuses only while it puts the values together. */
export function wordsOfRefusal(error: unknown): string {
  if (error instanceof ReferenceError) return 'its aliases (*name) stand for too much, or for themselves'
  return 'it cannot be read as YAML'
}

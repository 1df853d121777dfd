import { Fault } from '../faults/fault.ts'
import type { Edit, Replacement } from './edit.ts'
import { withoutReasoning } from './reasoning.ts'

export const MAX_BLOCKS = 500
/** SEARCH/REPLACE pairs of all blocks together. */
export const MAX_REPLACEMENTS = 2_000

/**
 * Reads a model's answer in Moose's edit format, which `format-guide.ts` describes.
 *
 * Text around blocks is ignored, and so are code fences around a whole block or a SEARCH/REPLACE pair. A line ending
 * may be LF or CRLF. What could be a damaged block is an error, never ignored.
 *
 * @returns at least one edit, in the order of the answer
 * @throws {Fault} `edits_malformed` naming the first block and line that do not follow the format; details `block` and
 *   `line` (from 1, 0 when there is none); `edits_missing` when there is no block at all
 */
export function parseEdits(text: string): Edit[] {
  return parseAnswer(text).edits
}

/** The same with the lines outside of blocks; an empty one stands for a block. @throws {Fault} as `parseEdits` */
export function parseAnswer(text: string): { edits: Edit[]; prose: string[] } {
  const answer = new Answer(text)
  const edits: Edit[] = []
  const prose: string[] = []
  let replacements = 0
  for (let line = answer.next(); line !== null; line = answer.next()) {
    const header = blockHeader(line)
    const markerSize = searchMarkerSize(line)
    if (header !== null) {
      requireRoom(edits.length < MAX_BLOCKS, answer, `${MAX_BLOCKS} blocks`)
      requireReplacement(edits.at(-1))
      edits.push(readBlock(answer, header, edits.length + 1))
      prose.push('')
    } else if (markerSize !== null) {
      replacements += 1
      requireRoom(replacements <= MAX_REPLACEMENTS, answer, `${MAX_REPLACEMENTS} pairs`)
      addReplacement(answer, edits, markerSize)
    } else {
      refuseDamage(answer, edits.length, line)
      prose.push(line)
    }
  }
  requireReplacement(edits.at(-1))
  if (edits.length === 0) {
    throw new Fault('edits_missing', 'The answer has no block; a block starts with a line like "### edit path".')
  }
  return { edits, prose }
}

function readBlock(answer: Answer, { verb, rest }: BlockHeader, block: number): Edit {
  const line = answer.line
  if (rest === '') throw malformed(block, line, `the header "### ${verb}" names no path`)
  if (verb === 'rename') return { kind: verb, block, line, ...renamePaths(rest, block, line) }
  const path = headerPath(rest)
  if (verb === 'write') return { kind: verb, block, line, path, body: readFencedBody(answer, block) }
  return verb === 'edit' ? { kind: verb, block, line, path, replacements: [] } : { kind: verb, block, line, path }
}

function renamePaths(rest: string, block: number, line: number): { path: string; to: string } {
  const [from, to, ...more] = ` ${rest} `.split(' -> ').map(headerPath)
  if (!from || !to || more.length > 0) {
    throw malformed(block, line, 'a rename names two paths: "### rename old/path -> new/path"')
  }
  return { path: from, to }
}

function addReplacement(answer: Answer, edits: Edit[], markerSize: number): void {
  const edit = edits.at(-1)
  if (edit?.kind !== 'edit') {
    throw malformed(edits.length, answer.line, 'a SEARCH marker stands outside of an "### edit path" block')
  }
  const replacement = readReplacement(answer, edit.block, markerSize)
  edits[edits.length - 1] = { ...edit, replacements: [...edit.replacements, replacement] }
}

function requireRoom(hasRoom: boolean, answer: Answer, limit: string): void {
  if (!hasRoom) throw malformed(0, answer.line, `it has more than ${limit}`)
}

function requireReplacement(edit: Edit | undefined): void {
  if (edit?.kind === 'edit' && edit.replacements.length === 0) {
    throw malformed(edit.block, edit.line, 'the edit block has no SEARCH/REPLACE pair')
  }
}

function refuseDamage(answer: Answer, block: number, line: string): void {
  const problem = isReplaceMarker(line)
    ? 'a REPLACE marker closes nothing; its SEARCH marker is missing'
    : headerProblem(line)
  if (problem !== null) throw malformed(block, answer.line, problem)
}

export const MAX_ANSWER_BYTES = 5 * 1024 * 1024

/**
 * A model's answer as lines with a place in it, for the parser: without its reasoning, and with no line ending, CRLF or
 * LF, at the lines.
 */
class Answer {
  readonly #lines: readonly string[]
  #position = 0

  /** @throws {Fault} `edits_malformed` for a text that is too large or is no valid Unicode, `reasoning_unclear` */
  constructor(text: string) {
    const bytes = Buffer.byteLength(text)
    if (bytes > MAX_ANSWER_BYTES) throw malformed(0, 0, `it has ${bytes} bytes, more than ${MAX_ANSWER_BYTES}`)
    if (!text.isWellFormed()) throw malformed(0, 0, 'it contains half a character (a lone UTF-16 surrogate)')
    this.#lines = withoutReasoning(text)
      .replace(/^\ufeff/, '')
      .split('\n')
      .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  }

  /** Number, from 1, of the line that `next` gave last. */
  get line(): number {
    return this.#position
  }

  /** The next line; null at the end. */
  next(): string | null {
    const line = this.#lines[this.#position]
    if (line === undefined) return null
    this.#position += 1
    return line
  }

  /** The lines after the current one, without moving on. */
  *ahead(): Generator<string> {
    for (let at = this.#position; ; at += 1) {
      const line = this.#lines[at]
      if (line === undefined) return
      yield line
    }
  }
}

/**
 * The fault of an answer that does not follow the format.
 *
 * @param block the block (from 1) it concerns; 0 when none had begun
 * @param line the line of the answer (from 1); 0 when it is about the whole
 */
function malformed(block: number, line: number, what: string): Fault {
  const place = `${block === 0 ? '' : `, block ${block}`}${line === 0 ? '' : `, line ${line}`}`
  return new Fault('edits_malformed', `The answer does not follow the edit format${place}: ${what}.`, { block, line })
}

/**
 * Reads the fenced lines after a `write` header. The body ends at the first line that is exactly the opening fence.
 *
 * @returns the lines of the file; none for an empty file
 * @throws {Fault} `edits_malformed` for a missing or unclosed fence, and for one that the content seems to contain too:
 *   the file would be cut there
 */
function readFencedBody(answer: Answer, block: number): string[] {
  const fence = openingFence(answer, block)
  const opened = answer.line
  const body: string[] = []
  for (let line = answer.next(); line !== null; line = answer.next()) {
    if (line === fence) {
      refuseCutBody(answer, block, fence)
      return body
    }
    if (opensFence(line, fence)) throw malformed(block, answer.line, `a fence inside the file. ${LONGER_FENCE}`)
    body.push(line)
  }
  throw malformed(block, opened, `the fence is never closed by a line "${fence}"`)
}

const LONGER_FENCE =
  'A file that contains fences needs a longer fence around it: one more character than the longest in it'

function openingFence(answer: Answer, block: number): string {
  const header = answer.line
  let line = answer.next()
  while (line !== null && line.trim() === '') line = answer.next()
  const [fence] = /^(?:`{3,100}|~{3,100})/.exec(line ?? '') ?? []
  if (fence === undefined || line?.includes('`', fence.length))
    throw malformed(block, header, 'a write block needs its content between two fences (````)')
  return fence
}

/** Whether a line opens a fence of the same length, which it shows by an info string. */
function opensFence(line: string, fence: string): boolean {
  return line.startsWith(fence) && /^\s*[^`~\s]/.test(line.slice(fence.length))
}

/** A bare fence after more text: the one that closed the body was the content's own. */
function refuseCutBody(answer: Answer, block: number, fence: string): void {
  let hasText = false
  let inFence = false
  for (const line of answer.ahead()) {
    if (blockHeader(line) !== null) return
    if (line === fence) {
      if (hasText && !inFence)
        throw malformed(block, answer.line, `it is unclear which fence closes the file. ${LONGER_FENCE}`)
      inFence = false
    } else if (opensFence(line, fence)) {
      inFence = true
    } else if (line.trim() !== '') {
      hasText = true
    }
  }
}

/** Number of `<` of a line `<<<<<<< SEARCH`, 7 to 100; null for any other line. Spaces at the end do not count. */
function searchMarkerSize(line: string): number | null {
  const [, arrows] = /^(<{7,100}) SEARCH\s*$/.exec(line) ?? []
  return arrows === undefined ? null : arrows.length
}

function isReplaceMarker(line: string): boolean {
  return /^>{7,} REPLACE\s*$/.test(line)
}

/**
 * Reads one pair after its SEARCH marker. The three markers of a pair have the same length; markers of another length
 * are content, so that a text which itself contains markers can be edited with longer ones.
 *
 * @param size length of the SEARCH marker, from `searchMarkerSize`
 * @throws {Fault} `edits_malformed` for a missing or misplaced marker
 */
function readReplacement(answer: Answer, block: number, size: number): Replacement {
  const line = answer.line
  const search: string[] = []
  let replace: string[] | null = null
  for (let text = answer.next(); text !== null; text = answer.next()) {
    switch (markerOf(text, size)) {
      case null:
        ;(replace === null ? search : replace).push(text)
        break
      case 'divider':
        if (replace !== null) throw malformed(block, answer.line, `a second divider. ${LONGER_MARKERS}`)
        replace = []
        break
      case 'search':
        throw malformed(block, answer.line, `a SEARCH marker inside the pair of line ${line}. ${LONGER_MARKERS}`)
      case 'replace':
        if (replace === null) throw malformed(block, answer.line, `the pair of line ${line} has no "=======" divider`)
        return { line, search, replace }
    }
  }
  throw malformed(block, line, `the SEARCH marker is never closed by a line "${'>'.repeat(size)} REPLACE"`)
}

const LONGER_MARKERS =
  'Text that contains such lines itself needs longer markers: 8 or more of <, = and >, all three alike'

function markerOf(text: string, size: number): 'search' | 'divider' | 'replace' | null {
  const line = text.trimEnd()
  if (line === `${'<'.repeat(size)} SEARCH`) return 'search'
  if (line === '='.repeat(size)) return 'divider'
  return line === `${'>'.repeat(size)} REPLACE` ? 'replace' : null
}

const VERBS = ['edit', 'write', 'delete', 'rename'] as const

type BlockHeader = {
  verb: (typeof VERBS)[number]
  /** What stands after the verb, without spaces around it; may be empty. */
  rest: string
}

/** A line as a block header, `### verb path` at the start of the line; null for any other line. */
function blockHeader(line: string): BlockHeader | null {
  const word = /^### +([a-z]+)(?:\s|$)/.exec(line)?.[1]
  const verb = VERBS.find((known) => known === word)
  if (verb === undefined) return null
  return { verb, rest: line.slice(line.indexOf(verb) + verb.length).trim() }
}

/**
 * What is wrong with a line that was meant as a block header and is none; null for prose.
 *
 * Passing over such a line would drop its block silently, while headings like `### What changed` are common in an
 * answer and harmless: a heading counts as meant when it is one word and then one path.
 */
function headerProblem(line: string): string | null {
  const [start, lead, word] = /^(\s*#{1,6}\s*)([A-Za-z]+)\s/.exec(line) ?? []
  if (start === undefined || lead === undefined || word === undefined) return null
  const rest = line.slice(start.length).trim()
  const isRename = /^\S.* -> \S/.test(rest) && !/[\n\r\u2028\u2029]/.test(rest)
  if (rest === '' || (/\s/.test(rest) && !isRename)) return null
  const known = VERBS.some((verb) => verb === word)
  const pathLike = isRename || /[/`]|\.\w+$/.test(rest)
  if (/^### +$/.test(lead)) {
    if (known || !(pathLike || word === word.toLowerCase())) return null
    return `"${word.slice(0, 40)}" is no verb; the verbs are ${VERBS.join(', ')}, in lower case`
  }
  return known && pathLike ? 'a block header starts with exactly "### ", at the start of the line' : null
}

/** The path as it was meant: models like to put it in backticks. */
function headerPath(text: string): string {
  const [, quoted] = /^`([^`]+)`$/.exec(text.trim()) ?? []
  return quoted === undefined ? text.trim() : quoted
}

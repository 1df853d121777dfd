import { Fault } from '../faults/fault.ts'
import { Answer, malformed } from './answer.ts'
import { type BlockHeader, blockHeader, headerPath, headerProblem } from './block-header.ts'
import type { Edit } from './edit.ts'
import { readFencedBody } from './fenced-body.ts'
import { isReplaceMarker, readReplacement, searchMarkerSize } from './search-replace.ts'

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
  const answer = new Answer(text)
  const edits: Edit[] = []
  let replacements = 0
  for (let line = answer.next(); line !== null; line = answer.next()) {
    const header = blockHeader(line)
    const markerSize = searchMarkerSize(line)
    if (header !== null) {
      requireRoom(edits.length < MAX_BLOCKS, answer, `${MAX_BLOCKS} blocks`)
      requireReplacement(edits.at(-1))
      edits.push(readBlock(answer, header, edits.length + 1))
    } else if (markerSize !== null) {
      replacements += 1
      requireRoom(replacements <= MAX_REPLACEMENTS, answer, `${MAX_REPLACEMENTS} pairs`)
      addReplacement(answer, edits, markerSize)
    } else {
      refuseDamage(answer, edits.length, line)
    }
  }
  requireReplacement(edits.at(-1))
  if (edits.length === 0) {
    throw new Fault('edits_missing', 'The answer has no block; a block starts with a line like "### edit path".')
  }
  return edits
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

import { type Answer, malformed } from './answer.ts'
import type { Replacement } from './edit.ts'

/** Number of `<` of a line `<<<<<<< SEARCH`, 7 to 100; null for any other line. Spaces at the end do not count. */
export function searchMarkerSize(line: string): number | null {
  const [, arrows] = /^(<{7,100}) SEARCH\s*$/.exec(line) ?? []
  return arrows === undefined ? null : arrows.length
}

export function isReplaceMarker(line: string): boolean {
  return /^>{7,} REPLACE\s*$/.test(line)
}

/**
 * Reads one pair after its SEARCH marker. The three markers of a pair have the same length; markers of another length
 * are content, so that a text which itself contains markers can be edited with longer ones.
 *
 * @param size length of the SEARCH marker, from `searchMarkerSize`
 * @throws {Fault} `edits_malformed` for a missing or misplaced marker
 */
export function readReplacement(answer: Answer, block: number, size: number): Replacement {
  const line = answer.line
  const search: string[] = []
  let replace: string[] | null = null
  for (let text = answer.next(); text !== null; text = answer.next()) {
    switch (markerOf(text, size)) {
      case null:
        ;(replace === null ? search : replace).push(text)
        break
      case 'divider':
        if (replace !== null) throw malformed(block, answer.line, `a second divider. ${LONGER}`)
        replace = []
        break
      case 'search':
        throw malformed(block, answer.line, `a SEARCH marker inside the pair of line ${line}. ${LONGER}`)
      case 'replace':
        if (replace === null) throw malformed(block, answer.line, `the pair of line ${line} has no "=======" divider`)
        return { line, search, replace }
    }
  }
  throw malformed(block, line, `the SEARCH marker is never closed by a line "${'>'.repeat(size)} REPLACE"`)
}

const LONGER = 'Text that contains such lines itself needs longer markers: 8 or more of <, = and >, all three alike'

function markerOf(text: string, size: number): 'search' | 'divider' | 'replace' | null {
  const line = text.trimEnd()
  if (line === `${'<'.repeat(size)} SEARCH`) return 'search'
  if (line === '='.repeat(size)) return 'divider'
  return line === `${'>'.repeat(size)} REPLACE` ? 'replace' : null
}

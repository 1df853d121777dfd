import type { Replacement } from './edit.ts'
import { occurrences, replaceLines } from './replace-lines.ts'
import { similarLines } from './similar-lines.ts'
import type { TextFile } from './text-file.ts'

const SHOWN_MATCHES = 10
/** Of the failed searches of one block, how many are named with the lines most like them. */
const EXPLAINED_FAILURES = 10

/**
 * Puts the pairs of one block into a file, each on top of the one before. A pair that fails is left out, so that the
 * ones after it are checked too.
 *
 * @param explain whether a SEARCH that is not found is shown the lines most like it
 * @returns the file, and why pairs failed
 */
export function applyReplacements(
  file: TextFile,
  replacements: readonly Replacement[],
  explain: boolean,
): { file: TextFile; reasons: string[] } {
  const reasons: string[] = []
  let current = file
  for (const replacement of replacements) {
    const { search, replace } = replacement
    const found = search.length === 0 && current.lines.length === 0 ? [0] : occurrences(current.lines, search)
    const [at] = found
    if (at !== undefined && found.length === 1) {
      current = replaceLines(current, at, search.length, replace)
    } else {
      reasons.push(failure(current, replacement, { found, explain: explain && reasons.length < EXPLAINED_FAILURES }))
    }
  }
  return { file: current, reasons }
}

function failure(
  file: TextFile,
  { line, search, replace }: Replacement,
  { found, explain }: { found: readonly number[]; explain: boolean },
): string {
  if (search.length === 0) {
    return `is not empty, but the SEARCH of line ${line} is. Search for the lines to change, or replace the whole file with a write block`
  }
  if (found.length > 1) {
    return `the SEARCH of line ${line} is ambiguous: matches at lines ${lineNumbers(found)}. Add lines around it until it is unique`
  }
  const missing = `the SEARCH of line ${line} (${search.length} ${search.length === 1 ? 'line' : 'lines'}) is not found. It must be whole lines, exactly as they are in the file`
  if (!explain) return missing
  const done = occurrences(file.lines, replace)
  const already =
    done.length === 0 ? '' : ` The lines of its REPLACE stand in the file already, at line ${lineNumbers(done)}.`
  const similar = similarLines(file.lines, search)
  const nearest =
    similar.length === 0 ? ' Nothing in the file is like it.' : ` The file's nearest lines are:\n${similar.join('\n')}`
  return `${missing}.${already}${nearest}`
}

function lineNumbers(indices: readonly number[]): string {
  const shown = indices.slice(0, SHOWN_MATCHES).map((index) => index + 1)
  return shown.join(', ') + (indices.length > SHOWN_MATCHES ? ` and ${indices.length - SHOWN_MATCHES} more` : '')
}

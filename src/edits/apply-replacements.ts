import type { Replacement } from './edit.ts'
import type { EditedText } from './edited-text.ts'
import type { Effort } from './effort.ts'
import type { Places } from './occurrences.ts'
import { similarLines } from './similar-lines.ts'

/** Of the failed searches of one block, how many are named with the lines most like them. */
const EXPLAINED_FAILURES = 10
const AT_THE_START: Places = { count: 1, first: [0] }

/**
 * Puts the pairs of one block into a file, each on top of the one before. A pair that fails is left out, so that the
 * ones after it are checked too.
 *
 * @param explain whether a SEARCH that is not found is shown the lines most like it
 * @returns why pairs failed
 */
export function applyReplacements(
  file: EditedText,
  replacements: readonly Replacement[],
  { effort, explain }: { effort: Effort; explain: boolean },
): string[] {
  const reasons: string[] = []
  for (const replacement of replacements) {
    const { line, search, replace } = replacement
    const found = search.length === 0 && file.isEmpty ? AT_THE_START : file.occurrences(search)
    if (effort.isSpent) return [...reasons, notLookedFor(line)]
    const [at] = found.first
    if (at !== undefined && found.count === 1) file.replace(at, search.length, replace)
    else {
      const mayExplain = () => explain && reasons.length < EXPLAINED_FAILURES && effort.mayExplain(file.characters)
      reasons.push(failure(file, replacement, found, mayExplain))
    }
  }
  return reasons
}

function notLookedFor(line: number): string {
  return `has too many lines: the SEARCH of line ${line} and those after it were not looked for. Answer with fewer pairs, or replace the whole file with a write block`
}

/** @param mayExplain asked where it would take time */
function failure(
  file: EditedText,
  { line, search, replace }: Replacement,
  found: Places,
  mayExplain: () => boolean,
): string {
  if (search.length === 0) {
    return `is not empty, but the SEARCH of line ${line} is. Search for the lines to change, or replace the whole file with a write block`
  }
  if (found.count > 1) {
    return `the SEARCH of line ${line} is ambiguous: matches at lines ${lineNumbers(found)}. Add lines around it until it is unique`
  }
  const missing = `the SEARCH of line ${line} (${search.length} ${search.length === 1 ? 'line' : 'lines'}) is not found. It must be whole lines, exactly as they are in the file`
  if (!mayExplain()) return missing
  const done = file.occurrences(replace)
  const already =
    done.count === 0 ? '' : ` The lines of its REPLACE stand in the file already, at line ${lineNumbers(done)}.`
  const similar = similarLines(file.lines(), search)
  const nearest =
    similar.length === 0 ? ' Nothing in the file is like it.' : ` The file's nearest lines are:\n${similar.join('\n')}`
  return `${missing}.${already}${nearest}`
}

function lineNumbers({ count, first }: Places): string {
  const shown = first.map((index) => index + 1).join(', ')
  return count > first.length ? `${shown} and ${count - first.length} more` : shown
}

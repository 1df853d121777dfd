import type { Replacement } from './edit.ts'
import type { EditedText } from './edited-text.ts'
import type { Effort } from './effort.ts'
import { locate } from './locate.ts'
import type { Places } from './text/occurrences.ts'
import { unfitReplacement } from './unfit.ts'
import { whyNotFound } from './why-not-found.ts'

/** How much is done to find and to explain what is not found. */
export type Search = { effort: Effort; explain: boolean }

/** What an answer has put into a file: pairs, and the lines that were not there before, without spaces around them. */
export type Put = { readonly pairs: Set<string>; lines: Set<string> }

/** Of the failed searches of one block, how many are named with the lines most like them. */
const EXPLAINED_FAILURES = 10

/**
 * Puts the pairs of one block into a file, each on top of the one before. A pair that fails is left out, so that the
 * ones after it are checked too. What an earlier pair of the answer has done already is not done again.
 *
 * @param file.put what the answer has put into this file so far; what this block puts in is added
 * @returns why pairs failed
 */
export function applyPairs(
  { text, path, put }: { text: EditedText; path: string; put: Put },
  replacements: readonly Replacement[],
  { effort, explain }: Search,
): string[] {
  const reasons: string[] = []
  let shift = 0
  for (const pair of replacements) {
    if (isDone(text, pair, put.pairs)) continue
    const unfit = unfitReplacement(text, pair, path)
    const found = fill(text, pair) ?? locate(text, pair, { path, shift })
    if (effort.isSpent) return [...reasons, notLookedFor(pair.line)]
    if (unfit !== null && 'at' in found) reasons.push(unfit)
    else if ('at' in found && isMisplaced(text, pair, found)) reasons.push(notAtEnd(pair.line))
    else if ('at' in found) {
      if (pair.finalNewline === true) text.endIn(true)
      text.replace(found.at, found.count, found.replace)
      put.pairs.add(keyOf(pair))
      const known = new Set(pair.search)
      for (const line of pair.replace) if (!known.has(line)) put.lines.add(line.trim())
      shift += found.replace.length - found.count
      const unended = pair.finalNewline === false ? text.endIn(false) : null
      if (unended !== null) reasons.push(unended)
    } else if (found.places.count === 0 || !changesNothing(pair)) {
      const mayExplain = () => explain && reasons.length < EXPLAINED_FAILURES && effort.mayExplain(text.characters)
      reasons.push(failure(found.places, pair, () => (mayExplain() ? whyNotFound(text, pair, path) : null)))
    }
  }
  return reasons
}

/** Whether a pair says how the file ends, and its lines are not the last ones. */
function isMisplaced(
  text: EditedText,
  { finalNewline }: Replacement,
  { at, count }: { at: number; count: number },
): boolean {
  return finalNewline !== undefined && at + count !== text.length
}

function notAtEnd(line: number): string {
  return `does not end with the lines of line ${line}, which are said to be its last: the newline at its end cannot be changed there`
}

function fill(text: EditedText, { search, replace }: Replacement) {
  return search.length === 0 && text.isEmpty ? { at: 0, count: 0, replace } : null
}

/** Whether an earlier pair is the same, and what it has put in stands there. */
function isDone(text: EditedText, pair: Replacement, done: ReadonlySet<string>): boolean {
  if (!done.has(keyOf(pair))) return false
  const { search, replace } = pair
  return replace.length === 0 ? text.occurrences(search).count === 0 : text.occurrences(replace).count > 0
}

/** Hunks that say the same of several places are several changes. */
function keyOf({ search, replace, near }: Replacement): string {
  return JSON.stringify([search, replace, near])
}

function changesNothing({ search, replace }: Replacement): boolean {
  return search.length === replace.length && search.every((text, index) => text === replace[index])
}

function notLookedFor(line: number): string {
  return `has too many lines: the SEARCH of line ${line} and those after it were not looked for. Answer with fewer pairs, or replace the whole file with a write block`
}

/** @param explain asked where it would take time; null: it may not */
function failure(places: Places, { line, search }: Replacement, explain: () => string | null): string {
  if (search.length === 0) {
    return `is not empty, but the SEARCH of line ${line} is. Search for the lines to change, or replace the whole file with a write block`
  }
  if (places.count > 1) {
    return `the SEARCH of line ${line} is ambiguous: matches at lines ${lineNumbers(places)}. Add lines around it until it is unique`
  }
  const missing = `the SEARCH of line ${line} (${search.length} ${search.length === 1 ? 'line' : 'lines'}) is not found. It must be whole lines, exactly as they are in the file`
  const why = explain()
  return why === null ? missing : `${missing}.${why}`
}

function lineNumbers({ count, first }: Places): string {
  const shown = first.map((index) => index + 1).join(', ')
  return count > first.length ? `${shown} and ${count - first.length} more` : shown
}

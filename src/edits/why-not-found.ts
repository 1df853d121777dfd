import type { Replacement } from './edit.ts'
import type { EditedText } from './edited-text.ts'
import { similarLines } from './similar-lines.ts'
import { isPlaceholder } from './unfit.ts'

/** In what a SEARCH may differ from the file and still be recognised, though it does not count as found. */
const DIFFERENCES: readonly (readonly [what: string, fold: (text: string) => string])[] = [
  ['only in spaces within the lines', (text) => text.replace(/\s+/g, '')],
  [
    'only in typographic characters (quotes, dashes, spaces, the normalization of letters)',
    (text) =>
      text
        .normalize('NFC')
        .replace(/[‘’‚‛′]/g, "'")
        .replace(/[“”„‟″]/g, '"')
        .replace(/[‐-―−]/g, '-')
        .replace(/\s+/g, ''),
  ],
  ['only in escaped characters such as &lt;', (text) => unescaped(text).replace(/\s+/g, '')],
  ['only in backslashes before quotes', (text) => text.replace(/\\(["'`\\])/g, '$1').replace(/\s+/g, '')],
]
const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&quot;': '"',
  '&#39;': "'",
  '&apos;': "'",
}
const SHOWN_PLACES = 3

/** Why the SEARCH of a pair is not in a file, as far as it can be told, and the lines of the file that are most like it. */
export function whyNotFound(file: EditedText, { search, replace }: Replacement, path: string): string {
  const done = file.occurrences(replace)
  if (done.count > 0)
    return ` The lines of its REPLACE stand in the file already, at line ${done.first.map((at) => at + 1).join(', ')}.${nearestOf(file, search)}`
  return `${difference(file, search, path)}${nearestOf(file, search)}`
}

function nearestOf(file: EditedText, search: readonly string[]): string {
  const similar = similarLines(file.lines(), search)
  return similar.length === 0
    ? ' Nothing in the file is like it.'
    : ` The file's nearest lines are:\n${similar.join('\n')}`
}

function difference(file: EditedText, search: readonly string[], path: string): string {
  const gap = search.find((text) => isPlaceholder(text, path))
  if (gap !== undefined) return ` It leaves lines out by "${gap.trim()}": copy every line, or use a pair for each part.`
  if (file.stoodAtFirst(search))
    return ' It stood there before an earlier pair of this answer has changed these lines: search for them as they are after it.'
  const around = file.likeOccurrences(search, 'spaces around')
  if (around.count > 0)
    return ` It differs in indentation alone from line ${told(around.first)}, and not by one that all lines have in common (tabs and spaces).`
  const [from, to] = [
    search.findIndex((text) => text.trim() !== ''),
    search.findLastIndex((text) => text.trim() !== ''),
  ]
  const inner = search.slice(from, to + 1)
  const trimmed = inner.length < search.length ? file.likeOccurrences(inner, 'spaces at the end') : null
  if (trimmed !== null && trimmed.count > 0)
    return ` Without the blank lines at its start or end it stands at line ${told(trimmed.first)}: leave them out.`
  return folded(file, search)
}

function folded(file: EditedText, search: readonly string[]): string {
  const lines = file.lines()
  for (const [what, fold] of DIFFERENCES) {
    const at = indexOfRun(lines.map(fold), search.map(fold))
    if (at !== -1) return ` It differs ${what} from line ${at + 1}.`
  }
  const [only, ...more] = search
  const part =
    only === undefined || more.length > 0 || only.trim() === ''
      ? -1
      : lines.findIndex((text) => text.includes(only.trim()))
  return part === -1 ? '' : ` It is a part of line ${part + 1}: SEARCH is whole lines.`
}

/** Bounded, so that lines that are all alike take no more time than others. */
function indexOfRun(lines: readonly string[], search: readonly string[]): number {
  let compared = 0
  for (let at = lines.indexOf(String(search[0])); at !== -1; at = lines.indexOf(String(search[0]), at + 1)) {
    const length = search.findIndex((text, offset) => lines[at + offset] !== text)
    if (length === -1) return at
    compared += length
    if (compared > lines.length) return -1
  }
  return -1
}

function unescaped(text: string): string {
  return text.replace(/&(?:lt|gt|amp|quot|#39|apos);/g, (entity) => ENTITIES[entity] ?? entity)
}

function told(first: readonly number[]): string {
  return first
    .slice(0, SHOWN_PLACES)
    .map((at) => at + 1)
    .join(', ')
}

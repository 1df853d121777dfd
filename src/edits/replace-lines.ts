import { dominantEnding, type Line, type TextFile } from './text-file.ts'

/**
 * Where a run of lines occurs, as indices from 0, overlapping ones included. Texts are compared exactly; line endings
 * are not compared. No lines occur nowhere.
 */
export function occurrences(lines: readonly Line[], search: readonly string[]): number[] {
  const found: number[] = []
  if (search.length === 0) return found
  const fallbacks = fallbackTable(search)
  let matched = 0
  for (const [index, { text }] of lines.entries()) {
    while (matched > 0 && search[matched] !== text) matched = fallbacks[matched - 1] as number
    if (search[matched] === text) matched += 1
    if (matched === search.length) found.push(index + 1 - matched)
  }
  return found
}

/**
 * For every prefix of the search, how much of it still matches when its next line does not (Knuth, Morris, Pratt): an
 * answer full of equal lines must not take quadratic time.
 */
function fallbackTable(search: readonly string[]): number[] {
  const table = [0]
  for (let at = 1, matched = 0; at < search.length; at += 1) {
    while (matched > 0 && search[matched] !== search[at]) matched = table[matched - 1] as number
    if (search[matched] === search[at]) matched += 1
    table.push(matched)
  }
  return table
}

/**
 * A file with `count` of its lines, from index `at`, replaced.
 *
 * - Lines at the start and the end of the replacement that equal those they replace stay as they are, byte for byte.
 *   The others get the file's dominant line ending.
 * - Whether the file ends in a newline is the file's property and stays: a file without a final newline has none
 *   afterwards, wherever the change was. To add one, let the replacement end at the end of the file in an empty line.
 *   It cannot be taken away. A file that was empty gets one.
 */
export function replaceLines(file: TextFile, at: number, count: number, replacement: readonly string[]): TextFile {
  const ending = dominantEnding(file.lines)
  const old = file.lines.slice(at, at + count)
  const head = commonLength(old, replacement)
  const tail = commonLength(old.slice(head).reverse(), replacement.slice(head).reverse())
  const lines = [
    ...file.lines.slice(0, at + head),
    ...replacement.slice(head, replacement.length - tail).map((text) => ({ text, ending })),
    ...file.lines.slice(at + count - tail),
  ]
  const endsInNewline = file.lines.at(-1)?.ending !== ''
  return { bom: file.bom, lines: withLineEndings(lines, ending, endsInNewline) }
}

function commonLength(lines: readonly Line[], texts: readonly string[]): number {
  let length = 0
  while (length < texts.length && lines[length]?.text === texts[length]) length += 1
  return length
}

/** Gives every line but the last an ending, and the last the one it must have. */
function withLineEndings(lines: readonly Line[], ending: '\n' | '\r\n', endsInNewline: boolean): Line[] {
  const ended = lines.map((line, index): Line => {
    if (index === lines.length - 1 && !endsInNewline) return { ...line, ending: '' }
    return line.ending === '' ? { ...line, ending } : line
  })
  const last = ended.at(-1)
  return last?.text === '' && last.ending === '' ? ended.slice(0, -1) : ended
}

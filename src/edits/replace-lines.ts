import { dominantEnding, type Line, type TextFile } from './text-file.ts'

/**
 * Where a run of lines occurs, as indices from 0, overlapping ones included. Texts are compared exactly; line endings
 * are not compared. No lines occur nowhere.
 */
export function occurrences(lines: readonly Line[], search: readonly string[]): number[] {
  const found: number[] = []
  if (search.length === 0) return found
  const fallbacks = [0]
  for (const text of search.slice(1))
    fallbacks.push(matchedLength(search, fallbacks, { text, matched: fallbacks.at(-1) }))
  let matched = 0
  for (const [index, { text }] of lines.entries()) {
    matched = matchedLength(search, fallbacks, { text, matched })
    if (matched === search.length) found.push(index + 1 - matched)
  }
  return found
}

/**
 * How many lines of the search match up to and with a further line (Knuth, Morris, Pratt): an answer full of equal
 * lines must not take quadratic time.
 *
 * @param fallbacks for every prefix of the search, how much of it still matches when its next line does not
 */
function matchedLength(
  search: readonly string[],
  fallbacks: readonly number[],
  { text, matched }: { text: string; matched: number | undefined },
): number {
  let length = matched
  while (length !== undefined && search[length] !== text) length = fallbacks[length - 1]
  return length === undefined ? 0 : length + 1
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
  const tail = commonLength(old.slice(head).toReversed(), replacement.slice(head).toReversed())
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

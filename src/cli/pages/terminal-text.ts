import { waysIn } from '../../work-order/ways-out.ts'

/**
 * Characters that could move the cursor, begin a line, hide text or turn its direction: control characters, the
 * separators of lines and paragraphs, the bidirectional controls, and what has neither width nor use of its own (tags
 * and the like; the joiners of scripts and emoji have one).
 * @see https://trojansource.codes
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu

/** The same but for tab and newline, where a text may have several lines. */
const UNSAFE_IN_LINES = new RegExp(`(?![\\t\\n])${UNSAFE.source}`, 'gu')

// biome-ignore lint/suspicious/noControlCharactersInRegex: the codes for colours begin with one
const COLOUR_OR_UNSAFE = new RegExp(`\\u001b\\[[0-9;]*m|${UNSAFE_IN_LINES.source}`, 'gu')

/** Runs of white space within a line. */
const SPACES = /[^\S\n\v\f\r\u0085\u2028\u2029]+/g

/** Titles are shorter; only those written with plain SQL can be longer. */
export const LONGEST_TITLE = 200

/** Stands in front of text of others where it has several lines; no line of Moose's own begins with it. */
export const BAR = '│'

/**
 * Text of a work order, a repository or a model as a part of a line: what would command the terminal or begin another
 * line is spelt out (`\u001b`, `\n`).
 */
export function harmless(text: string): string {
  return text.replaceAll(UNSAFE, spelt)
}

/** Like {@link harmless}, but lines stay lines: for text that stands alone, or behind something of its own. */
export function harmlessLines(text: string): string {
  return text.replaceAll(UNSAFE_IN_LINES, spelt)
}

/** Text of several lines with {@link BAR} in front of each. */
export function barred(text: string): string {
  return harmlessLines(text)
    .split('\n')
    .map((line) => `${BAR} ${line}`.trimEnd())
    .join('\n')
}

/**
 * A message of several lines: further ones stand behind a bar, for they quote what others wrote, but for the ways out at its
 * end, which are ours.
 *
 * @param details of its fault: `ways` is how many those are
 */
export function messageLines(message: string, details: Readonly<Record<string, unknown>> = {}): string {
  const { said, ways } = waysIn(harmlessLines(message), details)
  return [said.replaceAll('\n', `\n${BAR} `), ...ways.map((way) => `  ${way}`)].join('\n')
}

/** Like {@link harmlessLines}, but our own colours stay. The last line of defence before the terminal. */
export function harmlessButColours(text: string): string {
  return text.replaceAll(COLOUR_OR_UNSAFE, (match) => (match.endsWith('m') ? match : spelt(match)))
}

/** A value as one line of JSON in which nothing commands a terminal; it says the same. */
export function harmlessJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSAFE, (character) => character.split('').map(codeUnit).join(''))
}

/** One line of at most `width` characters; what was cut shows as `…`. */
export function oneLine(text: string, width: number): string {
  const line = harmless(text.replaceAll(SPACES, ' ').trim())
  if (line.length <= width) return line
  const characters = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment)
  return characters.length <= width ? line : `${characters.slice(0, width - 1).join('')}…`
}

function spelt(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  return character.length === 1 ? codeUnit(character) : `\\u{${Number(character.codePointAt(0)).toString(16)}}`
}

function codeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

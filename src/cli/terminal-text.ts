/**
 * Characters that could move the cursor, hide text or turn its direction: all control characters but tab and newline,
 * and the bidirectional controls.
 * @see https://trojansource.codes
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are looked for
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

// biome-ignore lint/suspicious/noControlCharactersInRegex: the codes for colours begin with one
const COLOUR_OR_UNSAFE = new RegExp(`\\u001b\\[[0-9;]*m|${UNSAFE.source}`, 'g')

/** Titles are shorter; only those written with plain SQL can be longer. */
export const LONGEST_TITLE = 200

const GRAPHEMES = new Intl.Segmenter()

/**
 * Text of a work order, a repository or a model as it may be shown in a terminal: what would command the terminal is
 * spelt out (`\u001b`).
 */
export function harmless(text: string): string {
  return text.replaceAll(UNSAFE, spelt)
}

/** Like {@link harmless}, but our own colours stay. The last line of defence before the terminal. */
export function harmlessButColours(text: string): string {
  return text.replaceAll(COLOUR_OR_UNSAFE, (match) => (match.length > 1 ? match : spelt(match)))
}

/** One line of at most `width` characters; what was cut shows as `…`. */
export function oneLine(text: string, width: number): string {
  const line = harmless(text.replaceAll(/\s+/g, ' ').trim())
  const characters = Array.from(GRAPHEMES.segment(line), ({ segment }) => segment)
  return characters.length <= width ? line : `${characters.slice(0, width - 1).join('')}…`
}

function spelt(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

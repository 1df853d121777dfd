import { createHash } from 'node:crypto'

/**
 * The hidden last line of what Moose writes on GitHub. It ends what is written, so that a text that quotes one is not taken for
 * Moose's.
 *
 * @param key what the comment is about: the same key gives the same marker
 */
export function marker(kind: 'reply' | 'comment', key: string): string {
  return `<!-- moose:${kind}=${createHash('sha256').update(key).digest('hex').slice(0, 32)}`
}

/** The text with its marker and a hash of itself, by which it is known not to have changed, however GitHub gives it back. */
export function marked(marker: string, text: string): string {
  return `${text.trimEnd()}\n\n${marker} text=${hashOf(text)} -->`
}

const LAST_LINE = /(?:^|\n)(<!-- moose:(?:reply|comment)=[0-9a-f]{32}) text=([0-9a-f]{32}) -->\s*$/

export function isMarked(body: string): boolean {
  return markOn(body) !== null
}

function markOn(body: string): { marker: string; hash: string } | null {
  const [, marker, hash] = LAST_LINE.exec(body.slice(-300)) ?? []
  return marker === undefined || hash === undefined ? null : { marker, hash }
}

export function carries(body: string, marker: string): boolean {
  return markOn(body)?.marker === marker
}

/** `other`: it carries this marker, and another text. */
export function compareMarked(body: string, marker: string, text: string): 'same' | 'other' | 'unmarked' {
  const found = markOn(body)
  if (found?.marker !== marker) return 'unmarked'
  return found.hash === hashOf(text) ? 'same' : 'other'
}

function hashOf(text: string): string {
  return createHash('sha256').update(text.trimEnd()).digest('hex').slice(0, 32)
}

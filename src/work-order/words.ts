/** Of a text without spaces so many characters count as a word, and two of a script that is written without them. */
const WORD =
  /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]{1,2}|[^\s\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]{1,40}/gu

/** How many words a text has for its reader; never fewer than it has between spaces. Linear. */
export function wordsIn(text: string): number {
  return [...text.matchAll(WORD)].length
}

/**
 * The first words of a text on one line. Where it is cut, it ends with the last whole sentence, if that is at least half of
 * what there is room for, else with `…`.
 */
export function firstWords(text: string, most: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  const end = [...line.matchAll(WORD)][most]?.index
  if (end === undefined) return line
  const cut = line.slice(0, end).trimEnd()
  const sentence = /^.*[.!?。！？](?=\s|$)/u.exec(cut)?.[0]
  if (sentence !== undefined && wordsIn(sentence) * 2 >= most) return sentence
  let begun = `${cut.replace(/[,;:.–—-]{1,3}$/, '')}…`
  // Its mark may be a word of its own.
  while (wordsIn(begun) > most && begun !== '…') begun = begun.replace(/.…$/u, '…')
  return begun
}

/** The first characters of a text, with `…` where some are missing. No half of one is left. */
export function firstCharacters(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, Math.max(0, most - 1)).replace(/[\ud800-\udbff]$/, '')}…`
}

/** The last characters of a text, with `…` where some are missing. No half of one is left. */
export function lastCharacters(text: string, most: number): string {
  return text.length <= most ? text : `…${text.slice(1 - most).replace(/^[\udc00-\udfff]/, '')}`
}

/** Such as `last 5 orders`; of one it is the `last order`. */
export function lastOrders(count: number): string {
  return count === 1 ? 'last order' : `last ${count} orders`
}

/** A text without further lines, up to its first full stop, which is left out. */
export function firstSentence(text: string): string {
  const [line] = text.trim().split('\n', 1)
  const trimmed = String(line).trim()
  const end = /[.!?](?=\s)/.exec(trimmed)
  return (end === null ? trimmed : trimmed.slice(0, end.index)).replace(/[.:]$/, '')
}

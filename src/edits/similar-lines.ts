const SHOWN_LINES = 12
const SHOWN_CHARACTERS = 200
/** A line needs this share of common letter pairs (Dice) to be called similar. */
const LEAST_LIKENESS = 0.5
/** A line that stands in the file more often than this tells nothing. */
const COMMON_LINE = 100
/** More lines than this are not compared letter by letter. */
const COMPARED_LINES = 20_000
/** More lines of a SEARCH than this are not looked for. */
const SEARCHED_LINES = 2_000

/**
 * The lines of a file most like a SEARCH that was not found, each as `   12| text` with its number from 1: what the
 * model needs to correct itself. At most 12 lines of 200 characters; none when nothing is similar.
 */
export function similarLines(lines: readonly string[], search: readonly string[]): string[] {
  const at = bestAlignment(lines, search) ?? mostAlike(lines, search)
  if (at === null) return []
  const from = Math.max(0, at)
  const to = Math.min(lines.length, at + search.length, from + SHOWN_LINES)
  return lines.slice(from, to).map((text, offset) => {
    const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
    return `${String(from + offset + 1).padStart(5)}| ${shown}`
  })
}

/**
 * Where the SEARCH lies best when only spacing is forgiven: every line that has a counterpart votes for a start, a
 * rare line more than a common one. The start may be negative; null without any counterpart.
 */
function bestAlignment(lines: readonly string[], search: readonly string[]): number | null {
  const places = new Map<string, number[]>()
  for (const [index, text] of lines.entries()) {
    const key = squeezed(text)
    const known = places.get(key)
    if (known === undefined) places.set(key, [index])
    else known.push(index)
  }
  const votes = new Map<number, number>()
  for (const [offset, text] of search.slice(0, SEARCHED_LINES).entries()) {
    const found = places.get(squeezed(text))
    if (found === undefined || found.length > COMMON_LINE || squeezed(text) === '') continue
    for (const place of found) {
      const start = place - offset
      votes.set(start, (votes.get(start) ?? 0) + 1 / found.length)
    }
  }
  return highest(votes)
}

/** Where the line stands that is most like the first line of the SEARCH with any text. */
function mostAlike(lines: readonly string[], search: readonly string[]): number | null {
  const offset = search.findIndex((text) => squeezed(text) !== '')
  const wanted = new Set(letterPairs(search[offset] ?? ''))
  const likeness = new Map<number, number>()
  for (const [index, text] of lines.slice(0, COMPARED_LINES).entries()) {
    const share = likenessOf(wanted, letterPairs(text))
    if (share >= LEAST_LIKENESS) likeness.set(index - offset, share)
  }
  return highest(likeness)
}

/** The share of common pairs, each counted once; 0 for a line that cannot be similar. */
function likenessOf(wanted: ReadonlySet<number>, pairs: readonly number[]): number {
  const hits = pairs.filter((pair) => wanted.has(pair))
  // At most so many pairs are common, and no line has fewer of its own.
  if ((2 * hits.length) / (wanted.size + hits.length) < LEAST_LIKENESS) return 0
  return (2 * new Set(hits).size) / (wanted.size + new Set(pairs).size)
}

function highest(scores: ReadonlyMap<number, number>): number | null {
  let best: number | null = null
  let top = 0
  for (const [key, score] of scores) {
    if (score > top) {
      best = key
      top = score
    }
  }
  return best
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/** Every two letters that stand side by side, as one number. */
function letterPairs(text: string): number[] {
  const letters = squeezed(text).slice(0, SHOWN_CHARACTERS).toLowerCase()
  const pairs: number[] = []
  for (let at = 1; at < letters.length; at += 1)
    pairs.push(letters.charCodeAt(at - 1) * 0x10000 + letters.charCodeAt(at))
  return pairs
}

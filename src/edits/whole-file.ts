/** More lines than this that differ between two that stay are not compared. */
const MOST_DIFFERING = 60
const MOST_OF_LINE = 200
const TOKEN = /[\p{L}\p{N}_]+/gu

/** Lines of a file that stand between two that stay, and those in their place. */
type Stretch = { gone: readonly string[]; fresh: readonly string[] }

/**
 * Whether a text is all of a file as it shall be, and no part of it: it leaves out no line of the file for which it has none
 * instead. At least half of its lines with words must stay, in their order, and each that goes must be like one that comes in its place.
 * Blank lines and spaces around lines do not count. Linear.
 *
 * @param options.isSaid whether words say that it is all: then a third is enough, and lines may go and stand in another order
 */
export function isAllOf(file: readonly string[], text: readonly string[], { isSaid }: { isSaid: boolean }): boolean {
  const [before, after] = [withText(file), withText(text)]
  const worded = before.filter(hasWords)
  if (after.length === 0 || without(worded, after).length * (isSaid ? 3 : 2) > worded.length * (isSaid ? 2 : 1))
    return false
  return isSaid || stretchesOf(before, after)?.every(isReplaced) === true
}

function hasWords(line: string): boolean {
  return /[\p{L}\p{N}_]/u.test(line)
}

function withText(lines: readonly string[]): string[] {
  return lines.map((line) => line.trim()).filter((line) => line !== '')
}

/** What differs between the lines that both have once; null: these stand in another order. */
function stretchesOf(before: readonly string[], after: readonly string[]): Stretch[] | null {
  const [placesBefore, placesAfter] = [onceIn(before), onceIn(after)]
  const stretches: Stretch[] = []
  let [at, to] = [0, 0]
  for (const [index, line] of before.entries()) {
    const place = placesBefore.has(line) ? placesAfter.get(line) : undefined
    if (place === undefined) continue
    if (place < to) return null
    stretches.push(withoutCommon(before.slice(at, index), after.slice(to, place)))
    at = index + 1
    to = place + 1
  }
  return [...stretches, withoutCommon(before.slice(at), after.slice(to))]
}

function onceIn(lines: readonly string[]): Map<string, number> {
  const places = new Map<string, number>()
  const twice = new Set<string>()
  for (const [at, line] of lines.entries()) {
    if (places.has(line)) twice.add(line)
    places.set(line, at)
  }
  for (const line of twice) places.delete(line)
  return places
}

function withoutCommon(before: readonly string[], after: readonly string[]): Stretch {
  return { gone: without(before, after), fresh: without(after, before) }
}

/** The lines of one that the other does not have as often. */
function without(some: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1)
  return some.filter((line) => {
    const count = left.get(line) ?? 0
    left.set(line, count - 1)
    return count < 1
  })
}

function isReplaced({ gone, fresh }: Stretch): boolean {
  if (gone.length > fresh.length || gone.length > MOST_DIFFERING) return false
  const words = fresh.slice(0, MOST_DIFFERING).map(wordsOf)
  return gone.map(wordsOf).every((line) => line.size === 0 || words.some((other) => isLike(line, other)))
}

function wordsOf(line: string): Set<string> {
  return new Set(line.slice(0, MOST_OF_LINE).match(TOKEN))
}

/** Whether a line has at least half of its words in common with another. */
function isLike(line: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return line.intersection(other).size * 2 >= line.size
}

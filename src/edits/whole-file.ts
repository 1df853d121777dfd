/** More lines than this that differ between two that stay are not compared. */
const MOST_DIFFERING = 60
const MOST_OF_LINE = 200
/** How a line ends that opens a block. */
const OPENS = /(?:[{([:]|=>|\b(?:do|then|begin))$/
const TITLED = /^[A-Za-z][\w.]{0,60}\(\s{0,9}(['"`])([^'"`]{1,120})\1,/
const DECLARED =
  /^(?:(?:export|default|declare|async|public|private|protected|static|abstract|final|pub|unsafe|override|readonly) {1,9}){0,5}(?:async |function\*|(?:function|class|const|let|var|val|def|fn|func|fun|type|interface|struct|enum|trait|impl|module|namespace|sub|proc)(?= )) {0,9}([\p{L}_$][\p{L}\p{N}_$]*)/u
/** A value that may be of a function alone. */
const LOCAL = /^(?:const|let|var|val)\b(?!.*(?:=>|\bfunction\b))/
const METHOD =
  /^(?:(?:async|public|private|protected|static|get|set) ){0,4}(?!(?:if|for|while|switch|catch|with|match|return|function)\b)([\p{L}_$#][\p{L}\p{N}_$]*)\([^{}]{0,120}\{$/u
const TOKEN = /[\p{L}\p{N}_]+/gu

/** Lines of a file that stand between two that stay, and those in their place. */
export type Stretch = { gone: readonly string[]; fresh: readonly string[] }

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

/** Whether half of the lines of a text are lines of a file. */
export function isLikeFile(file: readonly string[], text: readonly string[]): boolean {
  const worded = withText(text).filter(hasWords)
  return without(worded, withText(file)).length * 2 <= worded.length
}

function hasWords(line: string): boolean {
  return /[\p{L}\p{N}_]/u.test(line)
}

export function withText(lines: readonly string[]): string[] {
  return lines.map((line) => line.trim()).filter((line) => line !== '')
}

/** What differs between the lines that both have once; null: these stand in another order. */
export function stretchesOf(before: readonly string[], after: readonly string[]): Stretch[] | null {
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

/** Whether each line that goes has one of its own in its place that is like it. */
export function isReplaced({ gone, fresh }: Stretch): boolean {
  if (gone.length > fresh.length || gone.length > MOST_DIFFERING) return false
  const left = fresh.slice(0, MOST_DIFFERING).map(shapeOf)
  return gone.every((text, at) => {
    const line = shapeOf(text)
    if (line.words.size === 0) return true
    const isAlone = !gone.slice(at + 1).some(hasWords)
    const [best] = left
      .filter((other) => standsFor(other, line, isAlone))
      .sort((a, b) => line.words.intersection(b.words).size - line.words.intersection(a.words).size)
    if (best === undefined) return false
    left.splice(left.indexOf(best), 1)
    return true
  })
}

type Shape = { text: string; words: ReadonlySet<string>; name: string | null; isBlock: boolean }

function shapeOf(text: string): Shape {
  const start = text.slice(0, MOST_OF_LINE)
  return { text, words: new Set(start.match(TOKEN)), name: nameIn(text), isBlock: OPENS.test(start) }
}

/**
 * Whether a line may be what became of another: it has half of its words, two thirds where that opens a block. What a line
 * declares keeps its name, or all but the name; else it stands beside what is gone, as one test does beside another.
 *
 * @param isAlone whether no line goes behind the other
 */
function standsFor(line: Shape, other: Shape, isAlone: boolean): boolean {
  if (other.name !== null && other.name !== line.name) {
    if (line.name === null || (other.isBlock && !isAlone)) return false
    return other.text.replace(other.name, '') === line.text.replace(line.name, '')
  }
  const common = other.words.intersection(line.words).size
  return other.isBlock ? common * 3 >= other.words.size * 2 : common * 2 >= other.words.size
}

/** The name of what a line declares, or the title of a test or a route; null: it declares nothing, or a mere value. */
export function nameIn(line: string): string | null {
  const start = line.slice(0, MOST_OF_LINE)
  const declared = LOCAL.test(start) ? null : declaredIn(start)
  const titled = OPENS.test(start) || start.includes('=>') ? TITLED.exec(start)?.[2] : null
  return titled ?? declared ?? METHOD.exec(start)?.[1] ?? null
}

/** The name that a line declares, also that of a value; null: it declares nothing. */
export function declaredIn(line: string): string | null {
  return DECLARED.exec(line.slice(0, MOST_OF_LINE))?.[1] ?? null
}

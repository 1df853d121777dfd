import { declaredIn, isReplaced, nameIn, type Stretch, stretchesOf, withText } from './whole-file.ts'

const OPENING = /[([{]/g
const CLOSING = /[)\]}]/g
const IMPORTS = /^(?:import|from|use|using)\s|\brequire\(/
const KEYWORDS = /^(?:import|from|type|typeof|as|use|using|const|let|var|require|static)$/
const TOKEN = /[\p{L}_$][\p{L}\p{N}_$]*/gu
/** A name that is called, or of which a member is used. */
const USED = /(?<![\p{L}\p{N}_$]|(?<!\.\.)\.)[\p{L}_$][\p{L}\p{N}_$]*(?=[.(])/gu
/** One of which neither is said, so that it may be imported or declared there. */
const NAMED = /(?<![\p{L}\p{N}_$.])[\p{L}_$][\p{L}\p{N}_$]*(?![\p{L}\p{N}_$.(])/gu
/** Fewer lines than this may be all that is wanted of a file. */
const FEWEST_AROUND = 9

/**
 * Whether a text that shall be all of a file is visibly an excerpt of it: one run of its lines with a change, and at least half
 * of the file is gone around it. That alone may as well be what is left of the file, so that there must be a sign of the rest:
 * the text begins within a block or leaves one open, uses what only the rest declares, or is a small part of its middle. Linear.
 */
export function isExcerptOf(file: readonly string[], text: readonly string[]): boolean {
  const [before, after] = [withText(file), withText(text)]
  const [head, ...others] = stretchesOf(before, after) ?? []
  const tail = others.pop()
  if (head === undefined || tail === undefined || !others.every(isReplaced)) return false
  const around = countLost(head) + countLost(tail)
  const fresh = countWorded([head, ...others, tail].flatMap((stretch) => stretch.fresh))
  const [size, all] = [countWorded(after), countWorded(before)]
  if (around * 2 < all || fresh === 0 || fresh * 2 > size) return false
  if (isIndented(text) && !isIndented(file)) return true
  if (depthOf(after) !== 0 && depthOf(before) === 0) return true
  if (usesAnyOf(namesAtTop(file, new Set([...head.gone, ...tail.gone])), after)) return true
  const isInMiddle = size - fresh > 1 && [head, tail].every(({ gone }) => gone.some(declares)) && before[0] !== after[0]
  return isInMiddle && around >= FEWEST_AROUND && around * 4 >= all * 3
}

/** How many lines of a stretch go without another in their place. */
function countLost({ gone, fresh }: Stretch): number {
  return Math.max(0, countWorded(gone) - countWorded(fresh))
}

function countWorded(lines: readonly string[]): number {
  return lines.filter((line) => /[\p{L}\p{N}_]/u.test(line)).length
}

function isIndented(lines: readonly string[]): boolean {
  return /^\s/.test(lines.find((line) => line.trim() !== '') ?? '')
}

/** How many brackets are left open. */
function depthOf(lines: readonly string[]): number {
  return lines.reduce((depth, line) => depth + countOf(line, OPENING) - countOf(line, CLOSING), 0)
}

function countOf(line: string, signs: RegExp): number {
  return line.match(signs)?.length ?? 0
}

function declares(line: string): boolean {
  return IMPORTS.test(line) || nameIn(line) !== null
}

/** The names that a file declares or imports outside of blocks, in some of its lines. */
function namesAtTop(file: readonly string[], lines: ReadonlySet<string>): Set<string> {
  return new Set(file.filter((line) => !/^\s/.test(line) && lines.has(line.trim())).flatMap(namesOf))
}

function namesOf(line: string): string[] {
  const name = declaredIn(line)
  if (!IMPORTS.test(line)) return name === null ? [] : [name]
  const [words] = line.replace(/^from \S+ /, '').split(/["'`]/, 1)
  return (words?.match(TOKEN) ?? []).filter((word) => !KEYWORDS.test(word))
}

/** Whether a text uses a name that no line of it may declare, such as the one of a parameter. */
function usesAnyOf(names: ReadonlySet<string>, text: readonly string[]): boolean {
  if (names.size === 0) return false
  const isDeclaring = (line: string) => nameIn(line) !== null || declaredIn(line) !== null || line.includes('=>')
  const own = new Set(text.flatMap((line) => line.match(isDeclaring(line) ? TOKEN : NAMED) ?? []))
  return text.some((line) => (line.match(USED) ?? []).some((name) => names.has(name) && !own.has(name)))
}

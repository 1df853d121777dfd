import { declaredIn, isReplaced, nameIn, type Stretch, stretchesOf, withText } from './whole-file.ts'

const OPENING = /[([{]/g
const CLOSING = /[)\]}]/g
const IMPORTS = /^(?:import|from|use|using)\s|^(?:const|let|var)\s.*\brequire\(/
/** What a file of some languages cannot be without, where it had it. */
const STARTS = [/^package\s+[\w.]+;?$/, /^namespace\s+[\w.\\]+;?$/, /^#include\b/]
/** Of code that is written by people. */
const MOST_OF_LINE = 500
const TOKEN = /[\p{L}_$][\p{L}\p{N}_$]*/gu
/** A name that is called, or of which a member is used. */
const USED = /(?<![\p{L}\p{N}_$]|(?<!\.\.)\.)[\p{L}_$][\p{L}\p{N}_$]*(?=[.(])/gu
/** One of which neither is said, so that it may be imported or declared there. */
const NAMED = /(?<![\p{L}\p{N}_$.])[\p{L}_$][\p{L}\p{N}_$]*(?![\p{L}\p{N}_$.(])/gu
const NOT_MEMBER = /(?<![\p{L}\p{N}_$]|(?<!\.\.)\.)[\p{L}_$][\p{L}\p{N}_$]*/gu
/** Strings without values in them. A quote of another kind is none. */
const STRINGS =
  /"(?:[^"\\{$]|\\.){0,300}"|`[^`{$]{0,300}`|(?<=[([{=,:+\s]|^)'(?:[^'\\{$]|\\.){0,300}'(?=[),;\]}:+\s.]|$)/g
const COMMENT = /\/\*[^*]{0,300}\*\/|(?:^|\s)(?:\/\/|#\s)[^]*|^\s*(?:\/\*[^]*|\*(?:\s[^]*|$))/g
/** Fewer lines than this may be all that is wanted of a file. */
const FEWEST_AROUND = 9

/**
 * Whether a text that shall be all of a file is visibly an excerpt of it: one run of its lines with a change, and at least half
 * of the file is gone around it. That alone may as well be what is left of the file, so that there must be a sign of the rest:
 * the text begins within a block or leaves one open, uses what only the rest declares or imports, imports what only the rest
 * uses, lacks what such a file begins with, or is a small part of its middle. Linear.
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
  const lost = new Set([...head.gone, ...tail.gone])
  if (usesAnyOf(declaredAtTop(file, lost), after) || lacksImports(file, text, lost)) return true
  if (STARTS.some((start) => [...lost].some((line) => start.test(line)) && !after.some((line) => start.test(line))))
    return true
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

/** The names that a file declares outside of blocks, in some of its lines. */
function declaredAtTop(file: readonly string[], lines: ReadonlySet<string>): Set<string> {
  const atTop = file.filter((line) => !/^\s/.test(line) && !IMPORTS.test(line) && lines.has(line.trim()))
  return new Set(atTop.flatMap((line) => declaredIn(line) ?? []))
}

/** Whether a text uses a name that no line of it may declare, such as the one of a parameter. */
function usesAnyOf(names: ReadonlySet<string>, text: readonly string[]): boolean {
  if (names.size === 0) return false
  const isDeclaring = (line: string) => nameIn(line) !== null || declaredIn(line) !== null || line.includes('=>')
  const own = new Set(text.flatMap((line) => line.match(isDeclaring(line) ? TOKEN : NAMED) ?? []))
  return text.some((line) => (line.match(USED) ?? []).some((name) => names.has(name) && !own.has(name)))
}

/** The names that lines import, and the other lines. An import in several lines ends where its brackets do. */
function importsIn(lines: readonly string[]): { names: Set<string>; others: string[] } {
  const names = new Set<string>()
  const others: string[] = []
  let depth = 0
  for (const line of lines) {
    if (depth > 0 || IMPORTS.test(line)) {
      depth = Math.max(0, depth + countOf(line, OPENING) - countOf(line, CLOSING))
      for (const name of importedBy(line)) names.add(name)
    } else others.push(line)
  }
  return { names, others }
}

/** The names that an import makes known: the last of each of its parts. */
function importedBy(line: string): string[] {
  const [code = '', quoted = ''] = line
    .replace(/^\s*(?:import|from \S+ import|use|using|const|let|var)\s/, ' ')
    .split(/["'`]|\bfrom\b|=\s*require\b/)
  const parts = code.split(/[,{}()]/).flatMap((part) => part.match(TOKEN)?.at(-1) ?? [])
  return parts.length > 0 ? parts : [quoted.slice(quoted.lastIndexOf('/') + 1)]
}

function tokensOf(lines: readonly string[]): Set<string> {
  return new Set(lines.flatMap((line) => line.match(TOKEN) ?? []))
}

/** The names that code has: none of a member, and none in a string or a comment. */
function namesOf(lines: readonly string[]): Set<string> {
  return new Set(lines.flatMap((line) => line.replace(STRINGS, '""').replace(COMMENT, ' ').match(NOT_MEMBER) ?? []))
}

/** Whether a text uses what only the rest imports, or imports what only the rest uses. */
function lacksImports(file: readonly string[], text: readonly string[], lost: ReadonlySet<string>): boolean {
  if ([...file, ...text].some((line) => line.length > MOST_OF_LINE)) return false
  const [own, all] = [importsIn(text), importsIn(file)]
  const usedByRest = namesOf(all.others.filter((line) => lost.has(line.trim())))
  const [mentioned, used] = [tokensOf(own.others), namesOf(own.others)]
  if ([...own.names].some((name) => !mentioned.has(name) && usedByRest.has(name))) return true
  return [...all.names].some((name) => !own.names.has(name) && used.has(name))
}

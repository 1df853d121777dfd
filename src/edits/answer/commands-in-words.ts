import type { ScopeNames } from '../scope-names.ts'
import { isDenied, isLeft, tellsOfProgram } from './left-to-people.ts'
import { type Commanded, Commands, MAY_CHANGE, MOST_OF_LINE } from './shell-commands.ts'

/** Characters of a sentence to either side of a command that are looked at. */
const MOST_OF_SIDE = 120
/** Commands that are mere words at the start of a line of prose. */
const WORDS = new Set(['copy', 'move', 'rename', 'install', 'touch', 'patch', 'trash', 'ex', 'ed'])

/** What a line of words does to files in scope: one that is a command and nothing else, or holds some between backticks. */
export function commandedBy(line: string, names: ScopeNames): Commanded {
  const text = line.trim()
  const found = { changed: new Array<string>(), rewritten: [], removed: [], modes: [], oddModes: new Array<string>() }
  if (text.length > MOST_OF_LINE || !MAY_CHANGE.test(text)) return found
  const plain = text.replace(/^`([^`]*)`$/, '$1')
  const [first = ''] = plain.split(/\s/, 1)
  const spans = Array.from(text.matchAll(/`([^`]+)`/g)).filter(({ index, 0: { length }, 1: span = '' }) => {
    const [before, behind] = sentenceAround(text, index, index + length)
    return MAY_CHANGE.test(span) && !isDenied(before) && !tellsOfProgram(before) && !isLeft(behind)
  })
  const isWords = plain !== text || WORDS.has(first.toLowerCase())
  for (const command of [...(isWords ? [] : [withoutPhrases(plain)]), ...spans.map(({ 1: span = '' }) => span)]) {
    if (!/^[$#>%({\\]?\s*[A-Za-z/]/.test(command) || /^(?:COPY|ADD)\s/.test(command)) continue
    const { changed, modes, oddModes } = new Commands(names, null).read(command)
    found.changed.push(...changed)
    found.oddModes.push(...oddModes, ...modes.flatMap(({ paths }) => paths))
  }
  return found
}

/** A line without what it has of several words between backticks, which is read by itself. */
function withoutPhrases(line: string): string {
  return line.replace(/`[^`]*`/g, (span) => (/\s/.test(span) ? ' ' : span))
}

/** What stands to both sides of a part of a line, in its sentence. */
function sentenceAround(text: string, from: number, to: number): [before: string, behind: string] {
  const before = text.slice(Math.max(0, from - MOST_OF_SIDE), from)
  const behind = text.slice(to, to + MOST_OF_SIDE)
  const end = behind.search(/[.!?;](?:\s|$)/)
  return [String(before.split(/[.!?;]\s/).at(-1)), end === -1 ? behind : behind.slice(0, end)]
}

import { lastOf, type ScopeNames } from '../scope-names.ts'
import { isHeading } from './headings.ts'
import { isAddress, isNoFile, looksLikeFile, type Word, withoutSigns, wordsOf } from './words-of-line.ts'

const OF_MODULE = /^(?:from|imports?|importing|imported|requires?)$/i
const AS_WELL = /\b(?:same|also|too|likewise|similarly|as well)\b/i
/** What stands beside the name of a file that is to be one. */
const BESIDE_NAME =
  /^(?:a|add|added|also|and|change|changed|changes|create|created|creating|edit|edited|file|filename|for|full|in|into|name|new|next|now|path|step|the|then|to|update|updated|updating|write|writing|\d+|[ivx]+|[a-d])$/i
/** What else stands right before it at the end of a sentence. */
const BEFORE_NAME =
  /^(?:adding|adjust|at|changing|datei|editing|fichier|fix|fixing|inside|modif(?:ied|y|ying)|module|of|one|patch|script|two|three|within)$/i
/** How a sentence begins that goes on to a file, which stands at its end. */
const GOES_ON = /^\W*(?:finally|here|lastly|(?:the )?next|now|second|secondly|then|third|thirdly)\b/i
/** What stands behind the name of a file that is to change. */
const IS_TO_CHANGE = /^(?:gets?|has to|must|needs?|should|wants?|(?:is|comes) next|follows)\b/i
/** What tells nothing beside a name, such as the end of a tag. */
const SKIPPED = /^(?:the|an?|our|its|this|that|\W+|\/[a-z]\w*)$/i
const JOINS = /^(?:and|or)$/i
/** The two words before a file that is only spoken of. */
const SPOKEN_OF =
  /(?:^| )(?:(?<!well )as|by|like|unlike|match(?:e[ds]|ing)?|see(?: also)?|cf|e\.g|than|(?:equal|identical|similar) to|callers?|calls|called|reads|uses|(?:as|like) in)$/i
/** What does something to what the words are about. */
const AGENT =
  /\b(?!used|followed|replaced|accompanied)(?:\w+ed|read|shown|known|seen|set|built|run|written) by$|(?<!\b(?:is|are|was|were|also|be) )\bused by$/i
/** A file at the end of a line that uses what the line is about. */
const USER = /(?<!\b(?:is|are|was|were|also|be) )\bused by (?:the )?(\S{1,300})$/i
/** What tells of a file that is to be made. */
const MAKES = /\b(?:creat(?:e[ds]?|ing)|new|need(?:ed|s)?|save|write)\b/i
const MATCHED = /(?:^| )(?:match(?:e[ds]|ing)?|unlike)$/i
const USED_THERE = /(?:used|called|read|defined|declared|exported|documented|expected|set) (?:at|in)$/i
const LEFT_ALONE = /^(?:needs (?:nothing|no changes?)\b|is (?:unchanged|untouched|out of)\b)/i
const MOST_BEHIND = 24
const NEEDS_NOTHING = /\bneeds? (?:nothing|no (?:changes?|updates?|edits?))\b|\b(?:unchanged|untouched)\b/i
/** What stands behind a file that is as it shall be, while the words go on to what is not. */
const IS_DONE =
  /^(?:already (?:has|holds|contains|defines|declares|exports|imports|lists|provides|uses|does)|(?:is|has been) already) (?:\S{1,60} ){1,8}so only \S/i
const GOES_BACK =
  /\b(?:there|it|its|both|one|ones|first|second|third|other|next|also|too|same|missing|rest|remaining|add|file)\b/i
const CONSIDERED = /\b(?:considered|out of scope|not in scope)\b/i
const OTHER_FILE = new RegExp(
  [
    '(?<!\\b(?:match(?:e[ds]|ing)?|as in|like in|like|unlike|than) (?:the )?)',
    '\\b(?:other|another|second|next) (?:file|module|script)\\b',
    '(?! needs (?:nothing|no changes?)\\b| is (?:unchanged|untouched|out of)\\b)',
  ].join(''),
  'i',
)

/** What each name of a file has, as `looksLikeFile` and `isLikeKnown` go by it. */
const MAY_NAME = /[.A-Z]|[Ff][Ii][Ll][Ee]/

/** A line, and the files in scope that it names. */
type Line = { text: string; names: readonly string[] }

/** Where in a line a file is named as it seems: the three words that count before it, the three behind it, and more. */
type Place = { isFirst: boolean; isLast: boolean; before: string; behind: string; clause: string }

/**
 * What in a line names a file as it seems, and none in scope by the name it has: one that differs from a file in scope in
 * case or in its folders, or could be several, wherever it stands; any other where the line seems to lead to it, and not
 * only to speak of it. Names of programs and modules, addresses and versions are none. Linear.
 */
export function otherNamesIn({ text, names }: Line, scope: ScopeNames): string[] {
  if (scope.isEmpty) return []
  const words = MAY_NAME.test(text) ? wordsOf(text) : []
  const files = words.map(looksLikeFile)
  const line = files.includes(true) ? new LineOfWords(text, words, files) : null
  const others = words.flatMap(({ word }, at) => {
    if (!isLikeKnown(word, scope) && line?.leadsTo(at) !== true) return []
    const path = names.length === 0 ? null : scope.meantByWord(word)
    return path !== null && names.includes(path) ? [] : [word]
  })
  if (others.length > 0) return others
  return endsInColon(text) && OTHER_FILE.test(text) ? [text.trim()] : []
}

/** The names of a line without that of a file which is only said to use what the line is about: "the port used by a.ts:". */
export function withoutUser({ text, names }: Line, scope: ScopeNames): readonly string[] {
  const user = USER.exec(text.trimEnd())?.[1]
  const [path] = user === undefined ? [] : scope.mentionedIn(user)
  return names.filter((name) => name !== path)
}

/** A line as words, of which some may lead to a file. */
class LineOfWords {
  /** By the index of the word. */
  readonly #places = new Map<number, Place>()
  readonly #isLead: boolean
  readonly #isAsWell: boolean
  readonly #isConsidered: boolean
  readonly #isLeft: boolean
  readonly #isNameAlone: boolean
  readonly #goesOn: boolean

  /** @param files which of the words look like names of files */
  constructor(text: string, words: readonly Word[], files: readonly boolean[]) {
    const said: string[] = []
    for (const [at, { word }] of words.entries()) {
      const [last, next] = [words[at - 1], words[at + 1]]
      if (files[at] === true && !OF_MODULE.test(last?.word ?? '') && next?.word !== 'files') {
        const behind = words.slice(at + 1, at + MOST_BEHIND).map((other) => other.word)
        const ends = { isFirst: at === 0, isLast: next === undefined }
        const near = { before: said.slice(-3).join(' '), behind: behind.slice(0, 3).join(' ') }
        this.#places.set(at, { ...ends, ...near, clause: behind.join(' ') })
      }
      const joins = files[at - 1] === true && JOINS.test(word)
      if (files[at] !== true && !joins && !SKIPPED.test(word)) said.push(word)
    }
    this.#isLead = isHeading(text) || endsInColon(text)
    this.#isAsWell = AS_WELL.test(text)
    this.#goesOn = GOES_ON.test(text)
    this.#isLeft = this.#places.size === 1 && NEEDS_NOTHING.test(text)
    this.#isConsidered = CONSIDERED.test(text)
    this.#isNameAlone = said.length < 2 || said.every((word) => BESIDE_NAME.test(word))
  }

  /** Whether a word is the name of a file as it seems, and the line seems to lead to what that is named for. */
  leadsTo(at: number): boolean {
    const place = this.#places.get(at)
    if (place === undefined || this.#isLeft) return false
    const { isFirst, isLast, before, behind, clause } = place
    if (LEFT_ALONE.test(behind) || AGENT.test(before)) return false
    if (IS_DONE.test(clause) && !GOES_BACK.test(clause)) return false
    if (this.#isLead) return !SPOKEN_OF.test(before) || (isLast && !MATCHED.test(before))
    if (this.#isConsidered || SPOKEN_OF.test(before)) return false
    if (this.#isAsWell || this.#isNameAlone) return true
    if (isLast) return !USED_THERE.test(before) && (this.#goesOn || standsBefore(lastWord(before)))
    return isFirst && (BESIDE_NAME.test(firstWord(behind)) || IS_TO_CHANGE.test(behind))
  }
}

function standsBefore(word: string): boolean {
  return BESIDE_NAME.test(word) || BEFORE_NAME.test(word)
}

function firstWord(words: string): string {
  return words.split(' ', 1).join('')
}

function lastWord(words: string): string {
  return words.slice(words.lastIndexOf(' ') + 1)
}

/**
 * The only file that a line names, beside which stands nothing but what leads to a file; null: it is a sentence.
 *
 * @param others what `otherNamesIn` finds in it
 */
export function nameAlone(line: Line, others: readonly string[]): string | null {
  const [other, ...more] = others
  if (other === undefined || more.length > 0 || line.names.length > 0) return null
  const isAlone = wordsOf(line.text).every(({ word }) => word === other || !/\w/.test(word) || BESIDE_NAME.test(word))
  return isAlone ? withoutSigns(other) : null
}

/**
 * The file out of scope that a line tells to make of what stands below it, of a kind that the scope has; null: none.
 *
 * @param others what `otherNamesIn` finds in it
 */
export function madeBelow(line: Line, others: readonly string[], scope: ScopeNames): string | null {
  const [name] = others
  if (name === undefined || line.names.length > 0 || !MAKES.test(line.text) || !endsInColon(line.text)) return null
  return scope.hasKind(name) ? withoutSigns(name) : null
}

/** Whether a name may be another spelling of a path. */
export function mayMean(name: string, path: string): boolean {
  const [left, right] = [asPath(name), asPath(path)]
  return left.endsWith(right) || right.endsWith(left)
}

function asPath(name: string): string {
  const path = withoutSigns(name).replaceAll('\\', '/').toLowerCase()
  return `/${path.replace(/^(?:\.?\/)+/, '')}`
}

function isLikeKnown(word: string, scope: ScopeNames): boolean {
  if (!/[.A-Z]|[Ff][Ii][Ll][Ee]/.test(word)) return false
  const last = lastOf(withoutSigns(word).replaceAll('\\', '/'))
  const [like] = scope.likeLast(last)
  if (like === undefined || isAddress(word) || (isNoFile(word) && lastOf(like) !== word)) return false
  // A word without a dot is a word, unless it is one that is hardly anything but a file's name.
  return last.includes('.') || /file$/i.test(last) || (/[A-Z]/.test(last) && lastOf(like) === last)
}

/** But for marks behind it. */
function endsInColon(line: string): boolean {
  const at = Math.max(line.lastIndexOf(':'), line.lastIndexOf('\uff1a'))
  return at !== -1 && !/\w/.test(line.slice(at))
}

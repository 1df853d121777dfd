import type { Edit } from '../edit.ts'
import type { ScopeNames } from '../scope-names.ts'
import { remarkBehind } from '../written-path.ts'
import { isHeading } from './headings.ts'
import { isDenied, isForLater, isLeft, tellsOfProgram } from './left-to-people.ts'
import { type Commanded, Commands, MAY_CHANGE, MOST_OF_COMMAND } from './shell-commands.ts'

/**
 * What words ask for, or tell, of files in scope. `arrow`: an arrow between two, which may as well stand for what leads from one to
 * the other.
 */
export type Said = { what: 'change' | 'mode' | 'arrow'; paths: readonly string[] }

const MOST_OF_LINE = 2_000
/** What no line lacks that says such a change: a part of the words below, or an arrow. */
const MAY_SAY = /creat|added|introduc|gone|\brid\b|delet|remov|rm|unlin|drop|eras|renam|mov|mv|->|→|=>|execut|\+x|755/i
/** More than a clause has that says this and nothing else. */
const MOST_OF_CLAUSE = 400
const REMOVES = setOf(
  'delete deleted deletes deleting deletion remove removed removes removing removal rm unlink drop dropped erase erased gone rid',
)
const MOVES = setOf('rename renamed renames renaming move moved moves moving mv')
const MAKES = setOf('make makes made making set sets mark marked give add added becomes become chmod')
const MODES = setOf('executable +x 755 0755 100755 a+x u+x')
/** Words beside them that add nothing. */
const OTHERS = setOf(
  `a an the this that these those file files module it its them of to from into as be been being is are was were must should can now
  then also and both please entirely completely fully whole entire so too as well we i i've i'll we've ok okay next finally lastly
  first action actions todo step got get git ran useless script class component via using with bit mode permission permissions flag sure x done yes has have will`,
)
/** Why a file may go. */
const REASONS =
  /\b(?:no longer|not) (?:needed|used|required|necessary|imported|referenced)(?: (?:any ?more|anywhere|here))?\b|\bnothing (?:else )?(?:imports|uses|needs|references|calls|reads) (?:it|this)\b|(?<![\w./-])(?:now-)?(?:obsolete|unused|unneeded|dead code|dead|redundant|superseded|empty|old|legacy|deprecated|stale)(?![\w/-]|\.\w)/gi
const CLAUSES = /[,()]|\s(?:because|since|as|so|which|where|after|before|once)\s|\s[—–-]{1,2}\s/
const ARROW = /\s(?:->|→|=>)\s/
const IS_PATH = /[^/]\/[^/]|\.[A-Za-z]\w{0,11}$/
const TAKES_BACK =
  /\b(?:no|not|never|nothing|none|still|keeps?|kept|stays?|and|also|plus|too|as well|maybe|perhaps|if|unless|later|todo|skip(?:ped)?)\b|n['’]t\b/i
/** What makes a deletion one that is not sure, or of more than one file. */
const DOUBTS =
  /\b(?:optional(?:ly)?|could|might|would|consider|instead|addition|together|along|alongside|both|same|but|except|pending|yet)\b/i
/** What takes no renaming back. */
const OF_RENAME =
  /\b(?:(?:no|not|nothing)(?: (?:content|other|further|code|else|is))? (?:edits?|edited|change[sd]?|modified|modifications?)|and (?:update|updated|fix|adjust)(?: (?:the|its|all))? imports?)\b/gi
const LEADS_TO = /^(?:by|into|to|of|in|see)$/i
const OF_PART = /^(?:from|in)$/
const OF_FILES = /^(?:files?|renam\w*)$/
const MAKES_SURE = /\b(?:make|making) sure\b|\bensure\b/i
/** An item that is to be ticked off. */
const NOT_DONE = /^\s{0,12}[-*+] \[ \]/
const PATH = /^[^\s"'`|]{1,300}$/

/**
 * What a line of words says of files in scope: that one is deleted, renamed or executable. It must say that in a line, a
 * sentence or a clause, and there nothing else, so that words about a part of a file, or about why it stays, say nothing.
 */
export function saidOf(line: string, names: ScopeNames): Said[] {
  if (line.length > MOST_OF_LINE || !/[./\\`#|]/.test(line) || !MAY_SAY.test(line)) return []
  if (MAKES_SURE.test(line) || NOT_DONE.test(line)) return []
  const sentences = line.split(/(?<=[.;!?:])\s+/)
  const whole = sentences.some((sentence) => sentence.endsWith('?') || isForLater(sentence))
    ? null
    : (saidBy(line, names) ?? arrowIn(line, names))
  if (whole !== null) return [whole]
  return sentences.flatMap((sentence, index) => {
    const before = String(sentences[index - 1])
    const made = isDenied(sentence) ? null : madeBy(before.endsWith(':') ? `${before} ${sentence}` : sentence, names)
    if (made !== null) return [made]
    if (sentence.endsWith('?') || (before.endsWith(':') && isDenied(before))) return []
    const clauses = isDenied(sentence) ? [] : sentence.split(CLAUSES)
    const [said] = [...(isForLater(sentence) ? [] : [sentence]), ...clauses].flatMap(
      (part) => saidBy(part, names) ?? [],
    )
    return said ?? []
  })
}

/** The name of a file, between marks. */
const MADE_NAME = '[`*"\']{0,3}([\\w@./-]{1,300})'
/** What asks for a file, or tells that it was made, before its name: by the verbs it does so with. */
const BEFORE_MADE = [
  /** Asks, at the start of a sentence. */
  '^\\W{0,9}(?:(?:finally|then|now|next|please|first)[, ]+){0,3}create',
  /** Tells, at the start or behind what leads to a verb. */
  "(?:^\\W{0,9}|[,;:] |\\b(?:and|I|we|also|have|has|was|were|been|then|now|just|newly) |['’]ve )created",
  /** Tells of the writer, with verbs that are said of parts of files as well. */
  "\\b(?:I|we)(?:['’]ve| have)? (?:also )?(?:added|introduced)",
].join('|')
/** Words between the verb and the name. */
const MADE_BESIDE = '(?:(?:an?|the|new|file|module|script|package|helper|small|another|called|named|at|in)\\s+){0,5}'
/** The name is that of something that was taken from a file, or into one. */
const MADE_OF_PART = '(?![`*"\']{0,3} (?:to|from|as)\\b)'
/** What tells that a file was made, behind its name. */
const BEHIND_MADE = '(?:(?:was |has been |\\| ?)(?:newly )?created\\b(?! by\\b)|is (?:newly )?created\\W*$)'
/** How a sentence tells that a file was made, or asks for it: the verb before the name, and behind it. */
const MAKES_FILE = [
  new RegExp(`(?:${BEFORE_MADE})\\W{1,5}${MADE_BESIDE}${MADE_NAME}${MADE_OF_PART}`, 'i'),
  new RegExp(`^\\W{0,9}([\\w@./-]{1,300})[\`*"']{0,3} ${BEHIND_MADE}`, 'i'),
]

/** A file in scope that a sentence tells to have been made, or asks for; null: it speaks of none. */
function madeBy(sentence: string, names: ScopeNames): Said | null {
  for (const made of MAKES_FILE) {
    const [, name] = made.exec(sentence) ?? []
    const path = name === undefined ? null : names.meantBy(name)
    if (path !== null && names.covers(path) && /\.\w+$/.test(path)) return { what: 'change', paths: [path] }
  }
  return null
}

function saidBy(clause: string, names: ScopeNames): Said | null {
  if (clause.length > MOST_OF_CLAUSE) return null
  const { words, paths, inScope, isAll, isOfPart } = wordsOf(clause, names)
  if (!isAll || inScope.length === 0) return null
  const has = (known: ReadonlySet<string>) => words.some((word) => known.has(word))
  const isMove = has(MOVES) || (ARROW.test(` ${clause} `) && isHeading(clause) && words.length === 0)
  const isFile = !isOfPart || words.some((word) => OF_FILES.test(word))
  if ((has(REMOVES) && isFile) || (isMove && paths > 1 && isFile)) return { what: 'change', paths: inScope }
  return has(MODES) && has(MAKES) ? { what: 'mode', paths: inScope } : null
}

/** An arrow between two paths, and nothing else. */
function arrowIn(line: string, names: ScopeNames): Said | null {
  if (line.length > MOST_OF_CLAUSE || !ARROW.test(line)) return null
  const { words, paths, inScope, isAll } = wordsOf(line, names)
  return isAll && words.length === 0 && paths === 2 && inScope.length > 0 ? { what: 'arrow', paths: inScope } : null
}

/** Whether words behind the path of a deletion may say more than that it is one, or why. */
export function saysMore(remark: string): boolean {
  return DOUBTS.test(remark) || mayTakeBack(remark)
}

/**
 * Whether words behind a path of a deletion or of a renaming may take it back, or name another file.
 *
 * @param edit the same with its paths as they are meant
 */
export function hasOddRemark(written: Edit, edit: Edit): boolean {
  const remark = remarkBehind(written.path, edit.path)
  if (written.kind !== 'rename' || edit.kind !== 'rename') return edit.kind === 'delete' && saysMore(remark)
  return [remark, remarkBehind(written.to, edit.to)].some((words) => mayTakeBack(words.replace(OF_RENAME, ' ')))
}

function mayTakeBack(remark: string): boolean {
  if (remark.length > MOST_OF_CLAUSE) return true
  const words = withoutTargets(plainWords(remark))
  return TAKES_BACK.test(words.join(' ')) || words.some((word) => IS_PATH.test(word))
}

/** Words without the paths that tell where the content of a file went, as in "split into a.ts and b.ts". */
function withoutTargets(words: readonly string[]): string[] {
  const left: string[] = []
  let isTarget = false
  for (const [at, word] of words.entries()) {
    const isPath = IS_PATH.test(word)
    const joins: boolean = isTarget && word === 'and' && at === words.length - 2 && IS_PATH.test(String(words[at + 1]))
    isTarget = (isPath && (isTarget || LEADS_TO.test(String(words[at - 1])))) || joins
    if (!isTarget) left.push(word)
  }
  return left
}

function wordsOf(clause: string, names: ScopeNames) {
  const words: string[] = []
  const inScope = new Set<string>()
  let paths = 0
  let isAll = true
  let isFrom = false
  let isOfPart = false
  for (const word of plainWords(clause)) {
    const lower = word.toLowerCase()
    if (isKnown(lower)) {
      isFrom = OF_PART.test(lower) || (isFrom && /^(?:the|file)$/.test(lower))
      words.push(lower)
      continue
    }
    const path = PATH.test(word) ? names.meantBy(word) : null
    const isFile = path !== null && (names.namesFile(path) || /\.\w+$/.test(path))
    if (isFile) inScope.add(path)
    if (isFile || IS_PATH.test(word)) paths += 1
    else isAll = false
    isOfPart ||= isFrom
    isFrom = false
  }
  return { words, paths, inScope: [...inScope], isAll, isOfPart }
}

/** Words without the signs around them, and without reasons. */
function plainWords(text: string): string[] {
  const words = text.replace(REASONS, ' ').split(/\s+/)
  return words.map(stripped).filter((word) => word !== '' && !/^\d{1,3}$/.test(word))
}

function stripped(word: string): string {
  let [start, end] = [0, word.length]
  while (start < end && !/[\p{L}\p{N}./~@+\\]/u.test(String(word[start]))) start += 1
  while (end > start && !/[\p{L}\p{N}/]/u.test(String(word[end - 1]))) end -= 1
  return word.slice(start, end)
}

function isKnown(word: string): boolean {
  const lower = word.toLowerCase()
  return [REMOVES, MOVES, MAKES, MODES, OTHERS].some((known) => known.has(lower))
}

function setOf(words: string): ReadonlySet<string> {
  return new Set(words.split(/\s+/))
}

/** Characters of a sentence to either side of a command that are looked at. */
const MOST_OF_SIDE = 120
/** Commands that are mere words at the start of a line of prose. */
const PLAIN_WORDS = new Set(['copy', 'move', 'rename', 'install', 'touch', 'patch', 'trash', 'ex', 'ed'])

/** What a line of words does to files in scope: one that is a command and nothing else, or holds some between backticks. */
export function commandedBy(line: string, names: ScopeNames): Commanded {
  const text = line.trim()
  const found = { changed: new Array<string>(), rewritten: [], removed: [], modes: [], oddModes: new Array<string>() }
  if (text.length > MOST_OF_COMMAND || !MAY_CHANGE.test(text)) return found
  const plain = text.replace(/^`([^`]*)`$/, '$1')
  const [first = ''] = plain.split(/\s/, 1)
  const spans = Array.from(text.matchAll(/`([^`]+)`/g)).filter(({ index, 0: { length }, 1: span = '' }) => {
    const [before, behind] = sentenceAround(text, index, index + length)
    return MAY_CHANGE.test(span) && !isDenied(before) && !tellsOfProgram(before) && !isLeft(behind, before)
  })
  const isWords = plain !== text || PLAIN_WORDS.has(first.toLowerCase())
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

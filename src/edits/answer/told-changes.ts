import type { ScopeNames } from '../scope-names.ts'
import { isDenied, namesPart } from './left-to-people.ts'
import {
  ASKED_OF_FILE,
  BEHIND_VERB,
  FILE_IS_SUBJECT,
  LEAD,
  MENDED,
  NOT_CHANGED,
  PLACE_FIRST,
  SEVERAL,
  TOLD,
  TOLD_PASSIVELY,
  VERB_FIRST,
  WAY,
} from './told-forms.ts'

const MOST_OF_LINE = 2_000
/** Words behind a verb that are looked at. */
const MOST_WORDS = 16

/**
 * The files in scope of which a line of words says that they were changed, as in "I also changed the port in src/b.ts". Words
 * about what a file does, of what is left as it is, and of earlier changes say no such thing. Linear.
 */
export function toldIn(line: string, names: ScopeNames): string[] {
  return sentencesOf(line, names).flatMap((sentence) => {
    const passives =
      NOT_CHANGED.isByOthers.test(sentence) || NOT_CHANGED.tellsWhy.test(sentence) ? [] : Object.values(TOLD_PASSIVELY)
    const found = [...Object.values(TOLD), ...passives].flatMap((form) => saidIn(form.exec(sentence), names))
    const tells = VERB_FIRST.toldAtStart.exec(sentence) ?? VERB_FIRST.told.exec(sentence)
    const first = tells === null ? [] : saidIn(PLACE_FIRST.exec(sentence), names)
    return [...found, ...allBefore(sentence, names), ...first, ...changedBehind(tells, names)]
  })
}

/** The same of files whose change a line asks for, as in "- src/b.ts: add the port". It may as well be advice. Linear. */
export function askedIn(line: string, names: ScopeNames): string[] {
  return sentencesOf(line, names).flatMap((sentence) => {
    if (NOT_CHANGED.isToPeople.test(sentence) || NOT_CHANGED.buildsOn.test(sentence)) return []
    const found = Object.values(ASKED_OF_FILE).flatMap((form) => saidIn(form.exec(sentence), names))
    return [...found, ...changedBehind(VERB_FIRST.asked.exec(sentence), names)]
  })
}

/** Whether a line leads to what an answer changes, and to nothing else that may be asked for. */
export function leadsToChanges(lead: string): boolean {
  return LEAD.toChanges.test(lead) && !LEAD.toAdvice.test(lead) && !isTakenBack(lead)
}

function sentencesOf(line: string, names: ScopeNames): string[] {
  if (line.length > MOST_OF_LINE || names.mentionedIn(line).length === 0) return []
  const sentences = line.replace(/^(\s{0,12})\d{1,3}[.)] /, '$1- ').split(/(?<=[.;!?])\s+/)
  return sentences.filter((sentence) => !isTakenBack(sentence))
}

function saidIn(match: RegExpExecArray | null, names: ScopeNames): string[] {
  const path = match === null || isMended(match[0]) ? null : pathIn(match, names)
  return path === null ? [] : [path]
}

/** The files of a sentence that says of nothing but files that they were changed, and of a list of them in a line. */
function allBefore(sentence: string, names: ScopeNames): string[] {
  const listed = SEVERAL.lead.exec(sentence)
  const text = listed === null ? SEVERAL.beforeVerb.exec(sentence)?.groups?.['all'] : sentence.slice(listed[0].length)
  const words = (text ?? '').split(/[\s,:]+/).filter((word) => /[\p{L}\p{N}&]/u.test(word))
  const paths = words.flatMap((word) => (SEVERAL.joinedBy.test(word) ? [] : [fileOf(word, names)]))
  return paths.flatMap((path) => (paths.includes(null) || path === null ? [] : [path]))
}

/** The file of an item of a list that has nothing before its name, and does not say that it stays; null: there is none. */
export function listedIn(line: string, names: ScopeNames): string | null {
  if (line.length > MOST_OF_LINE || isTakenBack(line)) return null
  return pathIn(SEVERAL.item.exec(line), names)
}

/** Whether a line leads to a list of changed files. */
export function listsFiles(lead: string): boolean {
  return SEVERAL.lead.test(lead) && !isTakenBack(lead)
}

/** Whether a line is nothing but a label of what was changed in a file. */
export function isLabel(line: string): boolean {
  return line.length <= MOST_OF_LINE && TOLD.label.test(line.trim())
}

/** Whether words say that something is not so, was so before, or is up to somebody. */
export function isTakenBack(words: string): boolean {
  return isDenied(words) || NOT_CHANGED.isTakenBack.test(words)
}

/** Whether a passive tells of what is right again, or simpler, by a change of another file. */
function isMended(passive: string): boolean {
  const [before] = passive.split(/ in /, 1)
  return (
    before !== undefined &&
    before !== passive &&
    (MENDED.ledTo.test(before) || (MENDED.participle.test(passive) && MENDED.thing.test(before)))
  )
}

function pathIn(match: RegExpExecArray | null, names: ScopeNames): string | null {
  const word = match?.groups?.['at']
  return word === undefined ? null : fileOf(word, names)
}

/** What a verb that was found changes, by the words behind it. */
function changedBehind(tells: RegExpExecArray | null, names: ScopeNames): string[] {
  const verb = tells?.groups?.['verb'] ?? tells?.groups?.['asked']
  if (tells === null || verb === undefined) return []
  const behind = tells.input.slice(tells.index + tells[0].length)
  const found: string[] = []
  let isDirect = VERB_FIRST.isDirect.test(verb)
  let articles = 0
  let hasFile = false
  const words = behind
    .replace(/^[\s:*_]+/, '')
    .split(/\s+/)
    .slice(0, MOST_WORDS)
  const paths = words.map((word) => fileOf(word, names))
  for (const [at, word] of words.entries()) {
    const path = paths[at] ?? null
    const last = String(words[at - 1])
    if (path === null) {
      const next = { word: String(words[at + 1]), isFile: (paths[at + 1] ?? null) !== null }
      if (BEHIND_VERB.way.test(word) ? !isWay(verb, `${last} ${word}`, next) : leadsOff(word, next.word)) break
      isDirect &&= BEHIND_VERB.beside.test(word)
      if (BEHIND_VERB.article.test(word) && !BEHIND_VERB.leadsOff.test(last)) articles += 1
    } else {
      const inIt = String(words[at - 2])
      const isOfOther = articles > 1 || MENDED.ledTo.test(inIt) || (MENDED.verb.test(verb) && MENDED.thing.test(inIt))
      const isPlace =
        (BEHIND_VERB.way.test(last) || (BEHIND_VERB.place.test(last) && !isOfOther)) &&
        !BEHIND_VERB.foundThere.test(inIt)
      if ((!isPlace && !isDirect) || (hasFile && !BEHIND_VERB.joins.test(BEHIND_VERB.place.test(last) ? inIt : last)))
        break
      hasFile = true
      if (!isOther(word, String(words[at + 1]))) found.push(path)
    }
  }
  return found
}

/** Whether a word such as "to" leads on to a place of the change, or to a value. @param way with the word before it */
function isWay(verb: string, way: string, next: { word: string; isFile: boolean }): boolean {
  if (!next.isFile) return WAY.ofValues.test(verb) && /^[`"'\d]/.test(next.word) && !WAY.given.test(way)
  const [last = '', word = ''] = way.split(' ')
  // An export is added to a file, and a link leads to one.
  const isPointedAt = WAY.points.test(last) && !/^(?:imports?|exports?) (?:to|into)$/i.test(way)
  return WAY.puts.test(`${verb} ${word}`) && !isPointedAt
}

function leadsOff(word: string, next: string): boolean {
  return BEHIND_VERB.leadsOff.test(word) && !(BEHIND_VERB.ofThis.test(word) && /^(?:this|it)\b/i.test(next))
}

/** Whether a path names what belongs to its file, or is the subject of what follows. */
function isOther(word: string, next: string): boolean {
  return namesPart(` ${next}`) || FILE_IS_SUBJECT.test(next) || /['’]s\W*$/.test(word)
}

function fileOf(word: string, names: ScopeNames): string | null {
  const [path, ...more] = /[./\\`]/.test(word) ? names.mentionedIn(word) : []
  return path === undefined || more.length > 0 ? null : path
}

import type { ScopeNames } from '../scope-names.ts'
import { isDenied, namesPart } from './left-to-people.ts'

const MOST_OF_LINE = 2_000
/** Words behind a verb that are looked at. */
const MOST_WORDS = 16
/** Changes that are made to what they are said of, and those that are made in a place. */
const CHANGES_IT =
  'changed|updated|modified|adjusted|adapted|edited|fixed|corrected|refactored|rewrote|rewritten|extended|tweaked|amended|reworked|simplified|aligned'
const CHANGES_IN_IT =
  'added|appended|bumped|increased|lowered|raised|decreased|switched|replaced|removed|dropped|renamed|moved|set|put|made|inserted|documented|exported|wrote'
const IS_ITS = new RegExp(`^(?:${CHANGES_IT})$`, 'i')
const ANY = `(?:${CHANGES_IT}|${CHANGES_IN_IT})`
const LED = '^\\W{0,9}(?:(?:also|additionally|and|finally|lastly|then|now|next|in addition|besides)[, ]+){0,3}'
/** How a sentence says that something was changed: by whom, or at its start. */
const TELLS = new RegExp(
  `\\b(?:I|we)(?:['’]ve| have)?(?: (?:also|then|just|now|additionally|further|too|went ahead and|gone ahead and)){0,2} (?<verb>${ANY})\\b`,
  'i',
)
const LEADS = new RegExp(`${LED}(?<verb>${ANY})\\b`, 'i')
/** What else was changed. Without such a word, items of a summary tell of changes of all kinds. */
const AS_WELL = /\b(?:also|too|as well|additionally|likewise|in addition)\b/i
/** The same of what stands before the verb; `at`: a file, or a part of it. */
const IS_CHANGED = new RegExp(
  `${LED}(?:(?:the|its|a|file|module|script) |(?:[\\w-]{1,40} ){1,5}in (?:the )?){0,2}(?<at>[^\\s]{1,300}) (?:was|were|has been|have been|is now|are now)(?: (?:also|now|then|likewise)){0,2} (?:${CHANGES_IT}|bumped|increased|raised|lowered|switched|replaced)\\b`,
  'i',
)
/** An item that names a file, and then what was done. */
const IS_ITEM = new RegExp(
  `^\\W{0,9}(?<at>\\S{1,300}?)[*\`"']{0,3}(?::| [–—-])[*\`"']{0,3} (?:also |now )?${ANY}\\b`,
  'i',
)
/** A verb whose place is said behind it, or before it. */
const CHANGED_THERE = new RegExp(
  `^(?:(?!(?:that|which|what|because|since|as|when|where|after)\\b)\\S{1,60} ){1,12}(?:was|were|has been|have been)(?: (?:also|now)){0,2} ${ANY} in (?<at>\\S{1,300})`,
  'i',
)
const THERE_FIRST = new RegExp(`${LED}in (?:the (?:file )?)?(?<at>\\S{1,300}?),? (?:I|we)\\b`, 'i')
const TAKES_BACK =
  /\b(?:no|nothing|none|neither|already|unchanged|untouched|earlier|previous(?:ly)?|last (?:commit|order|change|time|release|pull|pr|attempt|step|week|month|year)|long ago|before|kept|by \w{1,40}ing)\b|\?\s*$/i
const BY_OTHERS = /\bby (?!me\b|\d)/i
/** What stands in a file and is mended by a change of another, and what a change elsewhere leads to there. */
const MENDED =
  /\b(?:tests?|specs?|suites?|cases?|assertions?|fail(?:ures?|ing)|errors?|bugs?|crash(?:es)?|issues?|problems?|warnings?)\b/i
const LED_TO = /\b(?:calls?|callers?|ones?|usages?|uses?)\b/i
const MENDS = /^(?:fixed|corrected|made|simplified|aligned)$/i
const FIXED = /\b(?:fixed|corrected|simplified|aligned)$/i
/** The start of a second thing behind a verb. */
const ARTICLE = /^(?:the|a|an|its|this|that|each|every)$/i
/** What may stand between a verb and the name of the file that it changes. */
const BESIDE = /^(?:the|both|file|files|module|script|and|also|too|its|test|tests|component|in|,|&)$/i
/** Words behind which a name is no place of the change. */
const LEADS_OFF =
  /^(?:that|which|who|whose|where|so|because|since|as|like|by|for|with|of|about|on|if|when|while|than|instead|without|matching|via|using)$/i
const PLACES = /^(?:in|within|inside)$/i
const WAYS = /^(?:to|into|from)$/i
/** Verbs with which one of them leads to a place of the change, and words behind which it leads to what they point to. */
const PUTS = /^(?:(?:added|appended|put|inserted|moved) (?:to|into)|(?:removed|dropped|moved) from)$/i
const POINTS = /^(?:links?|references?|imports?|pointers?|redirects?|paths?|calls?|routes?|exports?)$/i
/** What ends a phrase about something that is in the file already. */
const FOUND_THERE = /ed$|^(?:read|set|known|found|seen|shown|written|is|was|are|were|lives|stands)$/i
/** What a sentence goes on with whose subject is the file before. */
const IS_SUBJECT = /^(?:stays?|needs?|is|are|was|already|has|does|uses?|reads?|still|remains?|keeps?|works?)\b/i

/**
 * The files in scope of which a line of words says that they were changed, as in "I also changed the port in src/b.ts". Words
 * about what a file does, of what is left as it is, and of earlier changes say no such thing. Linear.
 */
export function toldIn(line: string, names: ScopeNames): string[] {
  if (line.length > MOST_OF_LINE || names.mentionedIn(line).length === 0) return []
  const sentences = line.split(/(?<=[.;!?])\s+/)
  return sentences.flatMap((sentence) =>
    isDenied(sentence) || TAKES_BACK.test(sentence) ? [] : toldBy(sentence, names),
  )
}

function toldBy(sentence: string, names: ScopeNames): string[] {
  const isAsWell = AS_WELL.test(sentence)
  const forms = [...(isAsWell ? [IS_ITEM] : []), ...(BY_OTHERS.test(sentence) ? [] : [IS_CHANGED, CHANGED_THERE])]
  const found = forms.flatMap((form) => {
    const match = form.exec(sentence)
    return match === null || isMended(match[0]) ? [] : (pathIn(match, names) ?? [])
  })
  const tells = (isAsWell ? LEADS.exec(sentence) : null) ?? TELLS.exec(sentence)
  const verb = tells?.groups?.['verb']
  if (tells === null || verb === undefined) return found
  const place = pathIn(THERE_FIRST.exec(sentence), names)
  const behind = changedBehind(verb, sentence.slice(tells.index + tells[0].length), names)
  return [...found, ...(place === null ? [] : [place]), ...behind]
}

/** Whether a passive tells of what is right again, or simpler, by a change of another file. */
function isMended(passive: string): boolean {
  const [before] = passive.split(/ in /, 1)
  return (
    before !== undefined && before !== passive && (LED_TO.test(before) || (FIXED.test(passive) && MENDED.test(before)))
  )
}

function pathIn(match: RegExpExecArray | null, names: ScopeNames): string | null {
  const word = match?.groups?.['at']
  return word === undefined ? null : fileOf(word, names)
}

/** What a verb changes, by the words behind it. */
function changedBehind(verb: string, behind: string, names: ScopeNames): string[] {
  const found: string[] = []
  let isDirect = IS_ITS.test(verb)
  let articles = 0
  const words = behind.trim().split(/\s+/).slice(0, MOST_WORDS)
  const paths = words.map((word) => fileOf(word, names))
  for (const [at, word] of words.entries()) {
    const path = paths[at] ?? null
    const last = String(words[at - 1])
    if (path === null) {
      const leadsOn = PUTS.test(`${verb} ${word}`) && !POINTS.test(last) && paths[at + 1] !== null
      if (LEADS_OFF.test(word) || (WAYS.test(word) && !leadsOn)) break
      isDirect &&= BESIDE.test(word)
      if (ARTICLE.test(word)) articles += 1
    } else {
      const inIt = String(words[at - 2])
      const isOfOther = articles > 1 || LED_TO.test(inIt) || (MENDS.test(verb) && MENDED.test(inIt))
      const isPlace = (WAYS.test(last) || (PLACES.test(last) && !isOfOther)) && !FOUND_THERE.test(inIt)
      if (!isPlace && !isDirect) break
      if (!isOther(word, String(words[at + 1]))) found.push(path)
    }
  }
  return found
}

/** Whether a path names what belongs to its file, or is the subject of what follows. */
function isOther(word: string, next: string): boolean {
  return namesPart(` ${next}`) || IS_SUBJECT.test(next) || /['’]s\W*$/.test(word)
}

function fileOf(word: string, names: ScopeNames): string | null {
  const [path, ...more] = /[./\\`]/.test(word) ? names.mentionedIn(word) : []
  return path === undefined || more.length > 0 ? null : path
}

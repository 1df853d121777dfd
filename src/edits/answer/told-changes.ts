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
/** Verbs that ask for a change: those that are no names of things as well, and those that are. */
const CHANGE_IT =
  'add|append|bump|modify|adjust|adapt|correct|refactor|rewrite|extend|tweak|amend|rework|simplify|increase|remove|replace|rename|insert'
const CHANGE_OR_NAME = 'change|update|edit|fix|align|lower|raise|switch|drop|move|document|export|use'
const IS_ITS = new RegExp(
  `^(?:${CHANGES_IT}|change|update|modify|adjust|adapt|edit|refactor|rewrite|extend|amend|rework)$`,
  'i',
)
const ANY = `(?:${CHANGES_IT}|${CHANGES_IN_IT})`
const ASKED = `(?:${CHANGE_IT}|(?:${CHANGE_OR_NAME})(?= (?:the|an?|its|all|both|each|every|this|that|to) |[ :]+[\`"'*\\d]| ?\\|? ?$))`
const LED = '^\\W{0,9}(?:(?:also|additionally|and|finally|lastly|then|now|next|in addition|besides)[, ]+){0,3}'
/** How a sentence says that something was changed: by whom, or at its start. */
const TELLS = new RegExp(
  `\\b(?:I|we)(?:['’]ve| have)?(?: (?:also|then|just|now|additionally|further|too|went ahead and|gone ahead and)){0,2} (?:(?<verb>${ANY})|(?:had|needed) to (?:also )?(?<asked>${CHANGE_IT}|${CHANGE_OR_NAME}))\\b`,
  'i',
)
const LEADS = new RegExp(`${LED}(?!(?:set|put)\\b)(?<verb>${ANY})\\b`, 'i')
/** An item of a list that asks for a change. */
const ASKS = new RegExp(`^\\s{0,12}(?:[-*+•]|\\d{1,3}[.)]) (?:\\[x\\] )?[*_]{0,2}(?:also )?(?<verb>${ASKED})\\b`, 'i')
/** The same of what stands before the verb; `at`: a file, or a part of it. */
const IS_CHANGED = new RegExp(
  `${LED}(?:(?:the|its|a|file|module|script) |(?:[\\w-]{1,40} ){1,5}in (?:the )?){0,2}(?<at>[^\\s]{1,300}) (?:was|were|has been|have been|is now|are now)(?: (?:also|now|then|likewise)){0,2} (?:${CHANGES_IT}|bumped|increased|raised|lowered|switched|replaced)\\b`,
  'i',
)
const NAMED = `(?<at>\\S{1,300}?)[*\`"']{0,3}(?::| [–—-]{1,2}| \\|)[*\`"']{0,3} [*_]{0,2}(?:also |now )?`
const OF_OTHER =
  '(?! (?:from|as|by|through|via|in (?:#|v?\\d|PR\\b|commit\\b)))(?!(?<=fixed|corrected)(?:\\W*$|,? (?:and )?(?:it )?(?:now )?pass(?:es)?\\b))'
/** What a participle, or a verb that is a name as well, stands before where it tells what a file has or where it goes. */
const OF_THING = [
  '(?!(?<=fixed) (?:sizes?|rates?|widths?|heights?|lengths?|points?|prices?|costs?|fees?|amounts?|intervals?|delays?)\\b)',
  '(?!(?<=exported) \\w+\\W*$)',
  '(?!(?<=updated|added|changed|removed) \\w+ (?:comes?|are|is|lives?|stands?|goe?s?)\\b)',
  '(?!(?<=set|put) (?:of|at|and|or)\\b)',
  '(?!(?<=added|put|inserted|appended) (?:to|into) )',
  '(?!(?<=raised) an? \\w{0,60}(?:Error|Exception)\\b)',
  '(?!\\()',
].join('')
/** An item, or a row of a table, that names a file, and then what was done, or what is asked for. */
const IS_ITEM = new RegExp(`^\\W{0,9}${NAMED}${ANY}\\b${OF_OTHER}${OF_THING}`, 'i')
const ASKS_ITEM = new RegExp(`^\\s{0,12}(?:[-*+•|]|\\d{1,3}[.)]) \\W{0,9}${NAMED}${ASKED}\\b${OF_OTHER}`, 'i')
/** A file, and code with what is in its place. */
const SHOWS =
  /^\W{0,9}(?:in )?(?<at>[^\s:]{1,300}?)[*`"']{0,3}:[*_]{0,2} `[^`]{1,200}` (?:→|->|=>|becomes|is now) `[^`]{1,200}`/i
/** A label of what was changed in a file, and a file of which nothing else is said. */
const LABELS = /^\W{0,9}(?:all |the )?changes (?:made )?(?:in|to) (?:the )?(?<at>[^\s:]{1,300}?)[*`"']{0,3}(?::|$)/i
const UPDATED = new RegExp(
  `^\\W{0,9}(?:[\\w-]{1,40} )?(?:in )?(?<at>\\S{1,300}?)[*\`"']{0,3}(?<!:[*_]{0,3}) (?:also )?(?:${CHANGES_IT})(?: (?:accordingly|too|as well|to match))?[.!]?$`,
  'i',
)
/** Several files before the verb. */
const ARE_CHANGED = new RegExp(
  `^(?<all>.{1,600}?) (?:were|have been|are now)(?: (?:both|all|also|now)){0,2} (?:${CHANGES_IT})\\b`,
  'i',
)
const JOINED = /^(?:both|the|files?|and|&|\(?\d{1,3}\)?)$/i
const LISTS_FILES =
  /^\W{0,9}(?:(?:the|all|following|list of) ){0,3}(?:files?(?: (?:that|which|I|were|are|was|have been)){0,3} (?:also )?(?:changed|modified|edited|touched|updated)|(?:changed|modified|edited|touched|updated) files?)\b(?! (?:by|in|since|before)\b)/i
const LISTED = /^\s{0,12}(?:[-*+•]|\d{1,3}[.)]) [*_`]{0,3}(?<at>\S{1,300}?)[*_`,;]{0,4}(?:$| ?[:(–—-])/
const SAME =
  /\b(?:(?:did|made|applied) the same (?:changes? |edits? |fix )?|the same (?:change|edit|fix) (?:was|has been) (?:also )?(?:made|applied) )(?:in|to|for) (?:the )?(?<at>\S{1,300})/i
const ALSO_UPDATES =
  /^\W{0,9}(?:this|(?:this|the) (?:change|commit|patch)) also (?:updates|bumps|adjusts|edits) (?:the )?(?<at>\S{1,300})(?=$| (?:to|with|so|accordingly|too)\b)/i
/** A verb whose place is said behind it, or before it. */
const CHANGED_THERE = new RegExp(
  `^(?:(?!(?:that|which|what|because|since|as|when|where|after)\\b)\\S{1,60} ){1,12}(?:was|were|has been|have been)(?: (?:also|now)){0,2} ${ANY} in (?<at>\\S{1,300})`,
  'i',
)
const THERE_FIRST = new RegExp(`${LED}in (?:the (?:file )?)?(?<at>\\S{1,300}?),? (?:I|we)\\b`, 'i')
/** What goes on with a verb as the name of a function. */
const IS_NOUN = '(?:(?:and|or) \\w{1,40} )?(?:is|are|was|were|has|have|does|do|shares?|calls?|takes?|returns?|uses?)\\b'
const ASKS_THERE = new RegExp(
  `${LED}in (?:the (?:file )?)?(?<at>\\S{1,300}?)[,:]{0,2} (?:also )?(?:change|replace|add|remove|rename|update|insert|append|export)\\b(?!\\(| ${IS_NOUN})`,
  'i',
)
const ASKS_VALUE = new RegExp(
  `${LED}(?:change|replace|rename) .{1,80}? (?:to|with|by) (?!(?:the|an?|its|one) ).{1,80}? in (?:the )?(?<at>\\S{1,300})$`,
  'i',
)
const TAKES_BACK =
  /\b(?:no|nothing|none|neither|already|unchanged|untouched|earlier|previous(?:ly)?|last (?:commit|order|change|time|release|pull|pr|attempt|step|week|month|year)|long ago|before|in #\d|kept|by \w{1,40}ing)\b|\?\s*$/i
const TELLS_WHY = /^\W{0,9}(?:since|after|because|as|when|while|although|though|before)\b/i
const OF_CHANGES =
  /\b(?:chang(?:e[sd]?|ing)|edits?|edited|summary|plan|solution|implementation|did|done|I(?:['’](?:ll|ve)| will| have))\b/i
const OF_ADVICE =
  /\b(?:possible|potential|further|suggested|recommend\w*|future|others?|additional|next|left|missing|remaining|reject\w*|considered|proposed|you|your|users?|should|need(?:s|ed)?|requir\w*|deploy\w*|production|server)\b/i
/** What is asked of a person is no part of the answer, and what is used or built upon is not changed. */
const TO_PEOPLE = /\byour?\b|\bto (?:deploy|enable|run|start|try|use)\W*$/i
const BUILDS_ON = /^\W{0,12}(?:also )?(?:use (?![`"']{0,2}\d).{1,80} in |extend .{1,80} by .{1,80} in )/i
const BY_OTHERS = /\bby (?!me\b|\d)/i
/** What stands in a file and is mended by a change of another, and what a change elsewhere leads to there. */
const MENDED =
  /\b(?:tests?|specs?|suites?|cases?|assertions?|fail(?:ures?|ing)|errors?|bugs?|crash(?:es)?|issues?|problems?|warnings?)\b/i
const LED_TO = /\b(?:calls?|callers?|ones?|usages?|uses?)\b/i
const MENDS = /^(?:fix(?:ed)?|correct(?:ed)?|made|simplif(?:ied|y)|align(?:ed)?)$/i
const FIXED = /\b(?:fixed|corrected|simplified|aligned)$/i
/** The start of a second thing behind a verb. */
const ARTICLE = /^(?:the|a|an|its|this|that|each|every)$/i
/** What may stand between a verb and the name of the file that it changes. */
const BESIDE = /^(?:the|both|file|files|module|script|and|also|too|its|test|tests|component|in|,|&)$/i
/** What is given to a function. */
const GIVEN = /^(?:passed|given|handed|sent) /i
/** Words behind which a name is no place of the change. */
const LEADS_OFF =
  /^(?:that|which|who|whose|where|so|because|since|as|like|by|for|with|of|about|on|if|when|while|than|instead|without|matching|via|using|per)$/i
const OF_THIS = /^(?:for|about|of)$/i
const PLACES = /^(?:in|within|inside)$/i
const WAYS = /^(?:to|into|from)$/i
/** What stands between two places of a change. */
const JOINS = /^(?:and|&|to|into)$|,$/i
/** Verbs with which one of them leads to a place of the change, and words behind which it leads to what they point to. */
const PUTS = /^(?:(?:add|append|put|insert|move)(?:e?d)? (?:to|into)|(?:remove|drop|move)(?:p?e?d)? from)$/i
/** Verbs of values, which go from one to another. */
const OF_VALUES = /^(?:chang|updat|renam|bump|increas|rais|lower|replac|set)(?:e?d|e)?$/i
const POINTS =
  /^(?:it|them|linking|pointing|referring|links?|references?|imports?|pointers?|redirects?|paths?|calls?|routes?|exports?)$/i
/** What ends a phrase about something that is in the file already. */
const FOUND_THERE = /ed$|^(?:read|set|known|found|seen|shown|written|is|was|are|were|lives|stands)$/i
/** What a sentence goes on with whose subject is the file before. */
const IS_SUBJECT =
  /^(?:now|pass(?:es)?|fails?|covers?|expects?|stays?|needs?|is|are|was|already|has|does|uses?|reads?|still|remains?|keeps?|works?)\b/i

/**
 * The files in scope of which a line of words says that they were changed, as in "I also changed the port in src/b.ts". Words
 * about what a file does, of what is left as it is, and of earlier changes say no such thing. Linear.
 */
export function toldIn(line: string, names: ScopeNames): string[] {
  return sentencesOf(line, names).flatMap((sentence) => {
    const passives = BY_OTHERS.test(sentence) || TELLS_WHY.test(sentence) ? [] : [IS_CHANGED, CHANGED_THERE]
    const found = [IS_ITEM, SHOWS, LABELS, UPDATED, SAME, ALSO_UPDATES, ...passives].flatMap((form) =>
      saidIn(form.exec(sentence), names),
    )
    const tells = LEADS.exec(sentence) ?? TELLS.exec(sentence)
    const first = tells === null ? [] : saidIn(THERE_FIRST.exec(sentence), names)
    return [...found, ...allBefore(sentence, names), ...first, ...changedBehind(tells, names)]
  })
}

/** The same of files whose change a line asks for, as in "- src/b.ts: add the port". It may as well be advice. Linear. */
export function askedIn(line: string, names: ScopeNames): string[] {
  return sentencesOf(line, names).flatMap((sentence) => {
    if (TO_PEOPLE.test(sentence) || BUILDS_ON.test(sentence)) return []
    const found = [ASKS_ITEM, ASKS_THERE, ASKS_VALUE].flatMap((form) => saidIn(form.exec(sentence), names))
    return [...found, ...changedBehind(ASKS.exec(sentence), names)]
  })
}

/** Whether a line leads to what an answer changes, and to nothing else that may be asked for. */
export function leadsToChanges(lead: string): boolean {
  return OF_CHANGES.test(lead) && !OF_ADVICE.test(lead) && !isTakenBack(lead)
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
  const listed = LISTS_FILES.exec(sentence)
  const text = listed === null ? ARE_CHANGED.exec(sentence)?.groups?.['all'] : sentence.slice(listed[0].length)
  const words = (text ?? '').split(/[\s,:]+/).filter((word) => /[\p{L}\p{N}&]/u.test(word))
  const paths = words.flatMap((word) => (JOINED.test(word) ? [] : [fileOf(word, names)]))
  return paths.flatMap((path) => (paths.includes(null) || path === null ? [] : [path]))
}

/** The file of an item of a list that has nothing before its name, and does not say that it stays; null: there is none. */
export function listedIn(line: string, names: ScopeNames): string | null {
  if (line.length > MOST_OF_LINE || isTakenBack(line)) return null
  return pathIn(LISTED.exec(line), names)
}

/** Whether a line leads to a list of changed files. */
export function listsFiles(lead: string): boolean {
  return LISTS_FILES.test(lead) && !isTakenBack(lead)
}

/** Whether a line is nothing but a label of what was changed in a file. */
export function isLabel(line: string): boolean {
  return line.length <= MOST_OF_LINE && LABELS.test(line.trim())
}

/** Whether words say that something is not so, was so before, or is up to somebody. */
export function isTakenBack(words: string): boolean {
  return isDenied(words) || TAKES_BACK.test(words)
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

/** What a verb that was found changes, by the words behind it. */
function changedBehind(tells: RegExpExecArray | null, names: ScopeNames): string[] {
  const verb = tells?.groups?.['verb'] ?? tells?.groups?.['asked']
  if (tells === null || verb === undefined) return []
  const behind = tells.input.slice(tells.index + tells[0].length)
  const found: string[] = []
  let isDirect = IS_ITS.test(verb)
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
      if (WAYS.test(word) ? !isWay(verb, `${last} ${word}`, next) : leadsOff(word, next.word)) break
      isDirect &&= BESIDE.test(word)
      if (ARTICLE.test(word) && !LEADS_OFF.test(last)) articles += 1
    } else {
      const inIt = String(words[at - 2])
      const isOfOther = articles > 1 || LED_TO.test(inIt) || (MENDS.test(verb) && MENDED.test(inIt))
      const isPlace = (WAYS.test(last) || (PLACES.test(last) && !isOfOther)) && !FOUND_THERE.test(inIt)
      if ((!isPlace && !isDirect) || (hasFile && !JOINS.test(PLACES.test(last) ? inIt : last))) break
      hasFile = true
      if (!isOther(word, String(words[at + 1]))) found.push(path)
    }
  }
  return found
}

/** Whether a word such as "to" leads on to a place of the change, or to a value. @param way with the word before it */
function isWay(verb: string, way: string, next: { word: string; isFile: boolean }): boolean {
  if (!next.isFile) return OF_VALUES.test(verb) && /^[`"'\d]/.test(next.word) && !GIVEN.test(way)
  const [last = '', word = ''] = way.split(' ')
  // An export is added to a file, and a link leads to one.
  const isPointedAt = POINTS.test(last) && !/^(?:imports?|exports?) (?:to|into)$/i.test(way)
  return PUTS.test(`${verb} ${word}`) && !isPointedAt
}

function leadsOff(word: string, next: string): boolean {
  return LEADS_OFF.test(word) && !(OF_THIS.test(word) && /^(?:this|it)\b/i.test(next))
}

/** Whether a path names what belongs to its file, or is the subject of what follows. */
function isOther(word: string, next: string): boolean {
  return namesPart(` ${next}`) || IS_SUBJECT.test(next) || /['’]s\W*$/.test(word)
}

function fileOf(word: string, names: ScopeNames): string | null {
  const [path, ...more] = /[./\\`]/.test(word) ? names.mentionedIn(word) : []
  return path === undefined || more.length > 0 ? null : path
}

/** The forms of words by which it is read what a line says of changed files, in groups by what they find. `at` is the file. */

// Verbs, which the forms below are made of.

/** What was done to the thing it is said of. */
const CHANGES_IT =
  'changed|updated|modified|adjusted|adapted|edited|fixed|corrected|refactored|rewrote|rewritten|extended|tweaked|amended|reworked|simplified|aligned'
/** What was done in a place. */
const CHANGES_IN_IT =
  'added|appended|bumped|increased|lowered|raised|decreased|switched|replaced|removed|dropped|renamed|moved|set|put|made|inserted|documented|exported|wrote'
const ANY = `(?:${CHANGES_IT}|${CHANGES_IN_IT})`
/** What asks for a change: words that are verbs and nothing else, and those that are names of things as well. */
const CHANGE_IT =
  'add|append|bump|modify|adjust|adapt|correct|refactor|rewrite|extend|tweak|amend|rework|simplify|increase|remove|replace|rename|insert'
const CHANGE_OR_NAME = 'change|update|edit|fix|align|lower|raise|switch|drop|move|document|export|use'
const ASKED = `(?:${CHANGE_IT}|(?:${CHANGE_OR_NAME})(?= (?:the|an?|its|all|both|each|every|this|that|to) |[ :]+[\`"'*\\d]| ?\\|? ?$))`

// Parts of forms.

const LED = '^\\W{0,9}(?:(?:also|additionally|and|finally|lastly|then|now|next|in addition|besides)[, ]+){0,3}'
const NAMED = `(?<at>\\S{1,300}?)[*\`"']{0,3}(?::| [–—-]{1,2}| \\|)[*\`"']{0,3} [*_]{0,2}(?:also |now )?`
/** What a participle, or a verb that is a name as well, stands before where it tells of another change. */
const OF_OTHER =
  '(?! (?:from|as|by|through|via|in (?:#|v?\\d|PR\\b|commit\\b)))(?!(?<=fixed|corrected)(?:\\W*$|,? (?:and )?(?:it )?(?:now )?pass(?:es)?\\b))'
/** The same where it tells what a file has or where it goes. */
const OF_THING = [
  '(?!(?<=fixed) (?:sizes?|rates?|widths?|heights?|lengths?|points?|prices?|costs?|fees?|amounts?|intervals?|delays?)\\b)',
  '(?!(?<=exported) \\w+\\W*$)',
  '(?!(?<=updated|added|changed|removed) \\w+ (?:comes?|are|is|lives?|stands?|goe?s?)\\b)',
  '(?!(?<=set|put) (?:of|at|and|or)\\b)',
  '(?!(?<=added|put|inserted|appended) (?:to|into) )',
  '(?!(?<=raised) an? \\w{0,60}(?:Error|Exception)\\b)',
  '(?!\\()',
].join('')
/** What goes on with a verb as the name of a function. */
const IS_NOUN = '(?:(?:and|or) \\w{1,40} )?(?:is|are|was|were|has|have|does|do|shares?|calls?|takes?|returns?|uses?)\\b'

/** A verb before what it changes; `told-changes.ts` looks for the files in the words behind it. */
export const VERB_FIRST = {
  /** Said of the writer, who did it or had to. */
  told: new RegExp(
    `\\b(?:I|we)(?:['’]ve| have)?(?: (?:also|then|just|now|additionally|further|too|went ahead and|gone ahead and)){0,2} (?:(?<verb>${ANY})|(?:had|needed) to (?:also )?(?<asked>${CHANGE_IT}|${CHANGE_OR_NAME}))\\b`,
    'i',
  ),
  /** At the start of a sentence. */
  toldAtStart: new RegExp(`${LED}(?!(?:set|put)\\b)(?<verb>${ANY})\\b`, 'i'),
  /** An item of a list that asks for it. */
  asked: new RegExp(`^\\s{0,12}(?:[-*+•]|\\d{1,3}[.)]) (?:\\[x\\] )?[*_]{0,2}(?:also )?(?<verb>${ASKED})\\b`, 'i'),
  /** Verbs whose object is what is changed. */
  isDirect: new RegExp(
    `^(?:${CHANGES_IT}|change|update|modify|adjust|adapt|edit|refactor|rewrite|extend|amend|rework)$`,
    'i',
  ),
}

/** A sentence that tells that one file was changed. */
export const TOLD = {
  /** An item, or a row of a table: the file, and then what was done. */
  item: new RegExp(`^\\W{0,9}${NAMED}${ANY}\\b${OF_OTHER}${OF_THING}`, 'i'),
  /** The file, and code with what is in its place. */
  shown:
    /^\W{0,9}(?:in )?(?<at>[^\s:]{1,300}?)[*`"']{0,3}:[*_]{0,2} `[^`]{1,200}` (?:→|->|=>|becomes|is now) `[^`]{1,200}`/i,
  /** A label of what was changed in it. */
  label: /^\W{0,9}(?:all |the )?changes (?:made )?(?:in|to) (?:the )?(?<at>[^\s:]{1,300}?)[*`"']{0,3}(?::|$)/i,
  /** The file, of which nothing else is said. */
  alone: new RegExp(
    `^\\W{0,9}(?:[\\w-]{1,40} )?(?:in )?(?<at>\\S{1,300}?)[*\`"']{0,3}(?<!:[*_]{0,3}) (?:also )?(?:${CHANGES_IT})(?: (?:accordingly|too|as well|to match))?[.!]?$`,
    'i',
  ),
  same: /\b(?:(?:did|made|applied) the same (?:changes? |edits? |fix )?|the same (?:change|edit|fix) (?:was|has been) (?:also )?(?:made|applied) )(?:in|to|for) (?:the )?(?<at>\S{1,300})/i,
  also: /^\W{0,9}(?:this|(?:this|the) (?:change|commit|patch)) also (?:updates|bumps|adjusts|edits) (?:the )?(?<at>\S{1,300})(?=$| (?:to|with|so|accordingly|too)\b)/i,
}

/** The same without saying by whom. */
export const TOLD_PASSIVELY = {
  /** Of the file, or a part of it. */
  itself: new RegExp(
    `${LED}(?:(?:the|its|a|file|module|script) |(?:[\\w-]{1,40} ){1,5}in (?:the )?){0,2}(?<at>[^\\s]{1,300}) (?:was|were|has been|have been|is now|are now)(?: (?:also|now|then|likewise)){0,2} (?:${CHANGES_IT}|bumped|increased|raised|lowered|switched|replaced)\\b`,
    'i',
  ),
  /** Of what is in it. */
  inside: new RegExp(
    `^(?:(?!(?:that|which|what|because|since|as|when|where|after)\\b)\\S{1,60} ){1,12}(?:was|were|has been|have been)(?: (?:also|now)){0,2} ${ANY} in (?<at>\\S{1,300})`,
    'i',
  ),
}

/** The file before a verb of the writer. */
export const PLACE_FIRST = new RegExp(`${LED}in (?:the (?:file )?)?(?<at>\\S{1,300}?),? (?:I|we)\\b`, 'i')

/** A line that asks for a change of one file. */
export const ASKED_OF_FILE = {
  item: new RegExp(`^\\s{0,12}(?:[-*+•|]|\\d{1,3}[.)]) \\W{0,9}${NAMED}${ASKED}\\b${OF_OTHER}`, 'i'),
  placeFirst: new RegExp(
    `${LED}in (?:the (?:file )?)?(?<at>\\S{1,300}?)[,:]{0,2} (?:also )?(?:change|replace|add|remove|rename|update|insert|append|export)\\b(?!\\(| ${IS_NOUN})`,
    'i',
  ),
  value: new RegExp(
    `${LED}(?:change|replace|rename) .{1,80}? (?:to|with|by) (?!(?:the|an?|its|one) ).{1,80}? in (?:the )?(?<at>\\S{1,300})$`,
    'i',
  ),
}

/** Several files at once. */
export const SEVERAL = {
  /** All of them before the verb. */
  beforeVerb: new RegExp(
    `^(?<all>.{1,600}?) (?:were|have been|are now)(?: (?:both|all|also|now)){0,2} (?:${CHANGES_IT})\\b`,
    'i',
  ),
  /** Words between them. */
  joinedBy: /^(?:both|the|files?|and|&|\(?\d{1,3}\)?)$/i,
  /** What leads to a list of them. */
  lead: /^\W{0,9}(?:(?:the|all|following|list of) ){0,3}(?:files?(?: (?:that|which|I|were|are|was|have been)){0,3} (?:also )?(?:changed|modified|edited|touched|updated)|(?:changed|modified|edited|touched|updated) files?)\b(?! (?:by|in|since|before)\b)/i,
  /** An item of such a list. */
  item: /^\s{0,12}(?:[-*+•]|\d{1,3}[.)]) [*_`]{0,3}(?<at>\S{1,300}?)[*_`,;]{0,4}(?:$| ?[:(–—-])/,
}

/** What leads to the changes of an answer, and to what may be asked for beside them. */
export const LEAD = {
  toChanges:
    /\b(?:chang(?:e[sd]?|ing)|edits?|edited|summary|plan|solution|implementation|did|done|I(?:['’](?:ll|ve)| will| have))\b/i,
  toAdvice:
    /\b(?:possible|potential|further|suggested|recommend\w*|future|others?|additional|next|left|missing|remaining|reject\w*|considered|proposed|you|your|users?|should|need(?:s|ed)?|requir\w*|deploy\w*|production|server)\b/i,
}

/** What makes words say no change of the answer. */
export const NOT_CHANGED = {
  /** It is not so, or was so before. */
  isTakenBack:
    /\b(?:no|nothing|none|neither|already|unchanged|untouched|earlier|previous(?:ly)?|last (?:commit|order|change|time|release|pull|pr|attempt|step|week|month|year)|long ago|before|in #\d|kept|by \w{1,40}ing)\b|\?\s*$/i,
  tellsWhy: /^\W{0,9}(?:since|after|because|as|when|while|although|though|before)\b/i,
  isByOthers: /\bby (?!me\b|\d)/i,
  /** It is asked of a person. */
  isToPeople: /\byour?\b|\bto (?:deploy|enable|run|start|try|use)\W*$/i,
  /** It is used or built upon. */
  buildsOn: /^\W{0,12}(?:also )?(?:use (?![`"']{0,2}\d).{1,80} in |extend .{1,80} by .{1,80} in )/i,
}

/** What is mended in a file by a change of another. */
export const MENDED = {
  verb: /^(?:fix(?:ed)?|correct(?:ed)?|made|simplif(?:ied|y)|align(?:ed)?)$/i,
  participle: /\b(?:fixed|corrected|simplified|aligned)$/i,
  /** What is right again. */
  thing:
    /\b(?:tests?|specs?|suites?|cases?|assertions?|fail(?:ures?|ing)|errors?|bugs?|crash(?:es)?|issues?|problems?|warnings?)\b/i,
  /** What a change elsewhere leads to. */
  ledTo: /\b(?:calls?|callers?|ones?|usages?|uses?)\b/i,
}

/** Words between a verb and a file. */
export const BEHIND_VERB = {
  /** They may stand before the name of the file that is changed. */
  beside: /^(?:the|both|file|files|module|script|and|also|too|its|test|tests|component|in|,|&)$/i,
  /** The start of a second thing. */
  article: /^(?:the|a|an|its|this|that|each|every)$/i,
  place: /^(?:in|within|inside)$/i,
  way: /^(?:to|into|from)$/i,
  /** They stand between two places of a change. */
  joins: /^(?:and|&|to|into)$|,$/i,
  /** A name behind them is no place of the change. */
  leadsOff:
    /^(?:that|which|who|whose|where|so|because|since|as|like|by|for|with|of|about|on|if|when|while|than|instead|without|matching|via|using|per)$/i,
  ofThis: /^(?:for|about|of)$/i,
  /** They end a phrase about something that is in the file already. */
  foundThere: /ed$|^(?:read|set|known|found|seen|shown|written|is|was|are|were|lives|stands)$/i,
}

/** Whether a word such as "to" leads on to the place of a change, or to a value. */
export const WAY = {
  /** Verbs with which it leads to the place. */
  puts: /^(?:(?:add|append|put|insert|move)(?:e?d)? (?:to|into)|(?:remove|drop|move)(?:p?e?d)? from)$/i,
  /** Verbs of values, which go from one to another. */
  ofValues: /^(?:chang|updat|renam|bump|increas|rais|lower|replac|set)(?:e?d|e)?$/i,
  /** Words behind which it leads to what they point to. */
  points:
    /^(?:it|them|linking|pointing|referring|links?|references?|imports?|pointers?|redirects?|paths?|calls?|routes?|exports?)$/i,
  /** What is given to a function. */
  given: /^(?:passed|given|handed|sent) /i,
}

/** Words behind a file that is their subject. */
export const FILE_IS_SUBJECT =
  /^(?:now|pass(?:es)?|fails?|covers?|expects?|stays?|needs?|is|are|was|already|has|does|uses?|reads?|still|remains?|keeps?|works?)\b/i

import { tellsOfRest } from '../left-out.ts'

/** Whether words say of what stands beside them that it is not so, or is up to somebody. */
export function isDenied(words: string): boolean {
  return DENIES.test(words) || isForLater(words)
}

/** Whether words leave what they name to a person, to a later time or to another order. That "I" did it is no such thing. */
export function isForLater(words: string): boolean {
  return (LATER.test(words) || PURPOSE.test(words)) && !DONE.test(words)
}

/** Whether a line leads to what is left to a person: a heading or a label such as "Next steps:". */
export function leadsToLater(line: string): boolean {
  return line.length <= MOST_OF_LEAD && (isForLater(line) || OF_LATER.test(line))
}

/** Whether words right before a command tell of a program that runs it. */
export function tellsOfProgram(before: string): boolean {
  return RUNS.test(before)
}

/** Whether words behind a command leave it to a person, or tell that nothing runs it. @param before those before it */
export function isLeft(behind: string, before: string): boolean {
  return (isForLater(behind) && !DONE.test(before)) || NOT_RUN.test(behind)
}

/** Whether what stands behind a file's name makes it a part of what the words are about. */
export function namesPart(behind: string): boolean {
  return PART.test(behind)
}

/** What words tell of how much of a file stands below them; `other`: an example, or another state of it. */
export type Extent = 'all' | 'part' | 'other' | 'open'

/** The same below a further line. @param isName whether that is nothing but the name of a file; `names`: files it names */
export function extentAfter(
  extent: Extent,
  line: string,
  { isName, names }: { isName: boolean; names: readonly string[] },
): Extent {
  if (line.length > MOST_OF_SENTENCE) return 'part'
  const lasts = names.slice(0, 9).map((name) => name.slice(name.lastIndexOf('/') + 1))
  const words = line
    .replace(DONE_SO, ' ')
    .split(/\s/)
    .map((word) => withoutCode(word, lasts))
    .join(' ')
  if (OTHER_STATE.test(words) || leadsToLater(line) || NOT_TICKED.test(line) || (isName && extent === 'other'))
    return 'other'
  if (isName ? OF_EXCERPT.test(words) : OF_PARTS.test(words)) return 'part'
  if ((OF_ALL.test(words) && !tellsOfRest(line) && !NOT_ALL.test(words)) || (isName && extent === 'all')) return 'all'
  return lasts.length === 0 || words.split(/[^\w'’]+/).every((word) => OF_NEW_STATE.test(word)) ? 'open' : 'part'
}

/** A word: "file" for the name of one, and "_" for other paths and code. */
function withoutCode(word: string, lasts: readonly string[]): string {
  if (!/[./`]\S/.test(word) && !lasts.includes(word)) return word
  const bare = word.replace(/^\W{1,9}/, '').replace(/(?<!\W)\W{1,9}$/, '')
  return lasts.some((last) => bare.endsWith(last)) ? word.replace(bare, 'file').replace(/[`"'*]/g, '') : '_'
}

const MOST_OF_SENTENCE = 400
/** Words that tell of the state that is to be. */
const DONE_SO = /\b(?:after|with|including) (?:the |this |these |those |your |all )?(?:change|edit|update|fix)\w*/g
const NOT_TICKED = /^\s{0,12}[-*+] \[ \]/
/** What takes it back that something is all of a file. */
const NOT_ALL = /\b(?:no|not|never|without|leav(?:e|es|ing)|rather|rest|elsewhere)\b|n['’]t\b/i
const OF_ALL = new RegExp(
  [
    '\\b(?:complete|entire|full|whole)(?: (?:and|updated?|new|modified|revised|corrected|final|changed|resulting|test|source))*',
    ' (?:files?|(?:code|contents?|version|listing|source)(?= ?$| ?[^\\w ]| (?:below|follows|now)| (?:of|for|in) (?:the )?(?:\\w+ )?\\W?file))\\b',
    '|\\bfile\\W{1,4}(?:the )?(?:complete|entire|full|whole)\\W{0,9}$',
    '|\\breplace (?:(?:the|all|entire|whole|full) ){0,3}(?:(?:contents?|everything|all) (?:of|in) )?(?:the )?\\W?file\\W? (?:with|by)\\b',
    '|\\b(?:final|resulting) (?:version|contents?|state) of (?:the )?\\W?file\\b',
  ].join(''),
  'i',
)
/** Words that, beside the name of a file, tell of nothing but how it shall be. */
const OF_NEW_STATE =
  /^(?:_|a|an|and|as|at|becomes?|chang(?:ed|es)|code|contents?|correct(?:ed)?|creat(?:e|ed|ing)|edit(?:ed)?|file|final|fix(?:ed)?|for|full|have|here|here['’]?s|i|in|into|is|it|like|looks?|made|make|modif(?:y|ied|ication|ications)|name|new|now|of|our|path|please|reads?|refactor(?:ed)?|replace|result(?:ing)?|revised|rewrit(?:e|ten)|save|source|step|that['’]?s|the|then|this|to|update[ds]?|updating|version|we|with|write|your|\d+|)$/i
const OF_EXCERPT =
  /\b(?:excerpts?|snippets?|parts?|partial(?:ly)?|sections?|portions?|fragments?|chunks?|extracts?|hunks?|relevant|changes only|only (?:the )?chang\w+)\b/i
const OF_PARTS =
  /\b(?:add(?:s|ed|ing)?|append\w*|insert\w*|put|include|lines?|functions?|methods?|class|sections?|parts?|partial(?:ly)?|pieces?|snippets?|excerpts?|portions?|fragments?|chunks?|extracts?|hunks?|half|handlers?|cases?|tests?(?! files?\b)|change|(?:first|second|third|last)(?! ?[,:]| \W?files?\b)|blocks?|imports?|too long|relevant|only|just|not|like|such as|if|optional(?:ly)?|show(?:s|n|ing)?|here is how|uses?|used|calls?|called)\b|n['’]t\b/i
const OTHER_STATE =
  /\b(?:before|until now|so far|current(?:ly)?|original(?:ly)?|old|previous(?:ly)?|earlier|was|were|looked|would|could|might|alternative(?:ly)?|another (?:way|option)|instead|consider(?:ed)?|example|e\.g|instance|sample|reference|undo|revert|wrong|broken)\b/i

const MOST_OF_LEAD = 200
const DENIES =
  /(?<![\w./`-])(?:not|never|no need|instead of|rather than|without|avoid(?:s|ing)?|unless|if|would|could|might|used to|previously|earlier|optional(?:ly)?|consider)(?![\w/`-]|\.\w)|n['’]t\b/i
const LATER =
  /(?<![\w./`-])(?:later|may|once(?!\W{0,9}$)|when(?:ever)?|yourself|by hand|manually|separately|follow-?ups?|next steps?|out of scope|after the (?:merge|release|migration|deployment|next)|can (?:now |then |also |safely |simply )?be|(?:you|one) can|(?:another|the next|an? (?:separate|future)) (?:order|change|pull request|pr|commit|step))(?![\w/`-]|\.\w)/i
const PURPOSE =
  /(?:^|[^\w\s]\s?)to (?:undo|try|revert|reproduce|verify|test|check|see|roll back|restore|debug|format|lint)\b/i
const DONE =
  /\b(?:I|we)(?:['’]ve)? (?:have |also |then |now |just )?(?:deleted|removed|renamed|moved|dropped|made|ran|run|used|set)\b/i
const OF_LATER =
  /(?<![\w./`-])(?:undo|revert|reproduce|restore|roll(?:ing)? back|verify|verification|alternatively|equivalent(?:ly)?|troubleshooting|optional(?:ly)?|not done|could|consider)(?![\w/`-]|\.\w)|^\W*if\b/i
const RUNS =
  /\b(?:runs|copies|calls|executes|invokes|performs|does|uses)(?: (?:[A-Za-z]{1,12}|`[^`]{1,60}`,?)){0,3}:? ?$|\bno longer (?:run|call|execute)s? $/i
const NOT_RUN =
  /^ (?:is|are|was|were) (?:no longer )?(?:run|called|executed|invoked)\b|\b(?:if|unless|optional(?:ly)?)\b/i
const PART =
  /^[`"'*_]{0,3}\s+(?:imports?|references?|dependency|calls?|usages?|entry|entries|exports?|links?|lines?|mentions?)\b/i

import type { Edit } from '../edit.ts'
import type { ScopeNames } from '../scope-names.ts'
import { titleOf } from './headings.ts'
import { hasSignsOfCode, isListItem, isStatement, looksLikeCode } from './line-shapes.ts'

/** The lines of a pair or of a file: those it puts in, which of them are new, and those it takes away. */
export type Held = { put: readonly string[]; added: readonly string[]; removed: readonly string[] }

const RULE = /^(?:-{3,}|\*{3,}|_{3,})$/
const SPAN_FIRST = /^`[^`]{1,500}`(?!,$)/
const BULLET = /^[•◦▪‣●→⇒—–]\s/u
const LINK = /^(?:\[[^\]]{1,200}\]\(|<?https?:\/\/)/
const FOOTER =
  /^(?:(?:fix(?:es|ed)?|close[sd]?|resolve[sd]?|refs?|part of|see(?: also)?)\b:? +\S{0,100}(?:#\d|[A-Z]-\d)|[A-Z][a-z]+(?:-[a-z]+){1,5}: \S)/i
const SAID_OF_CALL =
  /^[\w.$]{1,80}\(\) (?!(?:if|unless|and|or|for|while|else|in|is)\b)\p{Ll}{2,40}(?: [\p{L}\p{N}`'’.,-]{1,80}){2,}$/u
const SAID_BEHIND_ARROW = /^[-=]> (?:`[^`]{1,200}`|\p{L}{1,40}) \p{Ll}{2,40}(?: [\p{L}\p{N}`'’.,-]{1,80})+$/u

const LABEL =
  /^(?:Done|End|Explanation|Summary|Notes?|Changes|Results?|Rationale|Reason(?:ing)?|Why|Tests?|Testing|Verification)$/

/** What words among lines of code may look like. Where the text that has ended has such lines too, they may be its own. */
const KINDS: readonly { is: RegExp; isLike: RegExp }[] = [
  { is: /^#{2,6}\s/, isLike: /^##/ },
  { is: RULE, isLike: RULE },
  { is: /^<[|｜][^\s]{1,60}[|｜]>$/, isLike: /^<[|｜]/ },
  { is: /^<\/?[a-z][\w:-]*>$/, isLike: /^</ },
  { is: /^\*\*[^*]{1,200}\*\*(?::|\s|$)/, isLike: /^\*\*/ },
  { is: FOOTER, isLike: FOOTER },
  {
    is: /^\p{Lu}\p{Ll}*(?: [\p{L}\p{N}'’-]{1,40}){0,4}:(?:$|\s.*[^,]$)/u,
    isLike: /^["']?\p{Lu}[\w -]*["']?:(?:\s|$)/u,
  },
  { is: /^\p{Lu}[\w-]*:(?:$|\s.*[.!?]$)/u, isLike: /^["'\w-]+:(?:\s|$)/ },
  { is: /^\|.*\|$/, isLike: /^\|/ },
  { is: BULLET, isLike: BULLET },
  { is: LINK, isLike: LINK },
  { is: SPAN_FIRST, isLike: /^`/ },
  { is: /^(?:\/?cc:? @[\w-]|@[\w-]{1,60}[:,] )/i, isLike: /^@/ },
  {
    is: /^(?:[[(]|<!--) ?(?:the )?(?:end|done)(?: of [\p{L} ]{1,40})?[.!]? ?(?:[\])]|-->)$/iu,
    isLike: /^\W+(?:end|done)\b/i,
  },
  { is: /^END$/, isLike: /^(?:BEGIN|END)\b/ },
  { is: LABEL, isLike: /^\p{Lu}\p{L}*$/u },
  { is: SAID_OF_CALL, isLike: SAID_OF_CALL },
  { is: SAID_BEHIND_ARROW, isLike: /^[-=]>/ },
]
/** A heading that may be a comment as well. */
const TITLE = /^# \p{Lu}\p{L}*(?: \p{L}{1,40}){0,2}$/u

/**
 * Whether a line right behind the end of a pair or of a file may be one of its lines, because the end came too early. It is
 * not where it reads as words, and the text has no lines like it.
 *
 * @param behind.next the line after it
 */
export function mayBelong(behind: { line: string; next: string }, held: Held, names: ScopeNames): boolean {
  const line = behind.line.replace(/^(?:> ?)+/, '')
  if (looksLikeCode(line)) return true
  const text = line.trim().replace(PICTURES, '')
  const isLiked = (like: (own: string) => boolean) => held.put.some(like) || held.removed.some(like)
  if (titleOf(line, names) !== null) return isLiked((own) => titleOf(own, names) !== null)
  if (isListItem(line)) {
    const item = text.replace(/^\S+\s+/, '')
    const shape = itemOf(text)
    return isStatement(item) || takesPlaceOf(item, held) || isLiked((own) => isItemLike(shape, own))
  }
  if (LEADS_TO_FILE.test(text) && names.mentionedIn(text).length > 0) return false
  if (TITLE.test(text)) return readsOn(behind.next) || isLiked((own) => own.trim().startsWith('#'))
  const kind = KINDS.find(({ is }) => is.test(text))
  if (kind !== undefined) return isLiked((own) => kind.isLike.test(own.trim()))
  switch (readsAs(text)) {
    case 'sentence':
      return isMissing(text, held, (own) => readsAs(own.trim()) === 'sentence')
    case 'words':
      return isLiked((own) => readsAs(own.trim()) === 'words')
    case 'code':
      return true
  }
}

/** Whether a line below one that may be a comment goes on with code. */
function readsOn(next: string): boolean {
  return next.trim() !== '' && (looksLikeCode(next) || (!isListItem(next) && readsAs(next.trim()) === 'code'))
}

type Item = { mark: string; isCapital: boolean; size: number; isOdd: boolean }

/** How an item of a list is written; `isOdd`: it is no words. */
function itemOf(line: string): Item {
  const [mark = '', first = '', ...words] = line.trim().split(/\s+/)
  const isCapital = CAPITAL.test(first)
  const isOdd = !isCapital && !first.startsWith('`') && !isWordy([first, ...words].join(' '))
  return { mark: mark.replace(/^\d+/, '1'), isCapital, size: words.length + 1, isOdd }
}

/** Whether an item of a list is no words, or of the same mark as another, written alike and about as long. */
function isItemLike(one: Item, own: string): boolean {
  if (!isListItem(own)) return false
  const other = itemOf(own)
  const isAlike = one.mark === other.mark && one.isCapital === other.isCapital
  return one.isOdd || (isAlike && Math.max(one.size, other.size) <= 2 * Math.min(one.size, other.size))
}

/** Rules, headings, labels and lines that begin with code between backticks are words behind a blank line. */
const APART = [RULE, /^#{1,6}\s/, /^\*\*[^*]{1,200}\*\*/, SPAN_FIRST]

/** Whether a line behind a pair, with blank lines between, says anew what the pair takes away: it is no words. */
export function takesPlaceOf(line: string, held: Held): boolean {
  const text = line.trim()
  const item = held.removed.some(isListItem) ? text : text.replace(/^[-*+]\s+/, '')
  return !APART.some((form) => form.test(item)) && readsAs(text) === 'code' && isMissing(text, held)
}

/** Whether more lines like one are taken away than are put in. */
function isMissing(line: string, { added, removed }: Held, isOfKind = (_own: string) => true): boolean {
  const words = wordsOf(line)
  const like = (own: string) => isOfKind(own) && isAlike(words, wordsOf(own))
  const gone = removed.filter(like).length
  return gone > 0 && gone > added.filter(like).length
}

/** Whether a line right behind a diff looks like one of it: it has a sign, and is no item of a list and no rule. */
export function hasSignOfDiff(line: string): boolean {
  const text = line.trimEnd()
  if (!/^[-+]/.test(text) || /^-{3,}$/.test(text)) return false
  if (!isListItem(text)) return true
  const item = text.slice(1).trim()
  return looksLikeCode(item) || (text.startsWith('+') && readsAs(item) === 'code')
}

/** Arrows, the line above a signature, and numbers with words behind them. */
const NO_SIGN = /^(?:->|--(?:$|\s)|[-+]\d[\d.,]*%? +\p{L})/u

/** What the lines of a diff are, without their signs; `starts`: their first characters, of digits `0`. */
export type LinesOfDiff = { all: Set<string>; starts: Set<string>; hasNotes: boolean }

/** The lines that a diff has. */
export function linesOfDiff({ put, removed }: Held): LinesOfDiff {
  const all = new Set([...put, ...removed].map((line) => line.trim()))
  return { all, starts: new Set([...all].map(startOf)), hasNotes: [...all].some(isNote) }
}

function startOf(text: string): string {
  return text.slice(0, 1).replace(/\d/, '0')
}

/**
 * Whether a line farther behind a diff looks like one of it.
 *
 * @param after.next the line after it
 * @param after.isApart whether the end of a fence, or a blank line and a sentence, stand between
 * @param after.isInList whether it would be an item of a list: a blank line stands before it, or a list or a line that leads to one
 */
export function isLostFromDiff(
  line: string,
  after: { next: string; isApart: boolean; isInList: boolean },
  lines: LinesOfDiff,
): boolean {
  const text = line.trimEnd()
  if (!hasSignOfDiff(text) || (NO_SIGN.test(text) && !lines.starts.has(startOf(text.slice(1))))) return false
  const item = text.slice(1).trim()
  if (!isListItem(text)) return lines.hasNotes || !isNote(item)
  const isCode = isStatement(item) || (hasSignsOfCode(item) && !/^\p{Lu}\p{Ll}* .*[^;]$/u.test(item))
  if (after.isApart || (after.isInList && /^- \S/.test(text) && !isStatement(item))) {
    const isReplaced = text.startsWith('-') && /^\+ ?\S/.test(after.next)
    return lines.all.has(item) || (isCode && (isReplaced || text.startsWith('+')))
  }
  return isCode ? !item.includes('→') : readsAs(item) === 'code' && !isWordy(item) && !CAPITAL.test(item)
}

/** Whether a line is nothing but words, numbers and code between backticks. */
function isWordy(text: string): boolean {
  const tokens = text.replace(CODE_SPAN, 'code').split(/\s+/)
  return (
    !looksLikeCode(text) &&
    !/^\S+:\s|^\p{Lu}{2}/u.test(text) &&
    tokens.every((token) => PLAIN.test(token) || /^\d+$/.test(token))
  )
}

function isNote(text: string): boolean {
  return CAPITAL.test(text) && isWordy(text)
}

/** Whether a line behind a diff is a sentence. */
export function isSentence(line: string): boolean {
  return !isListItem(line) && !looksLikeCode(line) && readsAs(line.trim()) === 'sentence'
}

/** What edits that a diff or a patch has made put in and take away. */
export function heldBy(edits: readonly Edit[]): Held {
  const pairs = edits.flatMap((edit) => (edit.kind === 'edit' ? edit.replacements : [])).map(heldByPair)
  const put = edits.flatMap((edit) => (edit.kind === 'write' ? edit.body : []))
  return {
    put: [...put, ...pairs.flatMap((pair) => pair.put)],
    added: pairs.flatMap(({ added }) => added),
    removed: pairs.flatMap(({ removed }) => removed),
  }
}

/** What a pair puts in and takes away. */
export function heldByPair({ search, replace }: { search: readonly string[]; replace: readonly string[] }): Held {
  return { put: replace, added: without(replace, search), removed: without(search, replace) }
}

/** Lines that have text and are not among others. */
function without(some: readonly string[], others: readonly string[]): string[] {
  const kept = new Set(others.map((line) => line.trim()))
  return some.filter((line) => line.trim() !== '' && !kept.has(line.trim()))
}

/** Signs of comments, and of lines in quotes, which hold sentences too. */
const NO_WORDS = /^(?:\/\/|\/\*|--|#(?!\d)|"""|'''|\$(?!\d)|[;%@!|])|^(["']).*\1[,;]?$/
const PICTURES = /^(?:\p{Extended_Pictographic}\ufe0f?\s*)+/u
const LEADS_TO_FILE = /^\p{Lu}[^()=]*:$/u
const CODE_SPAN = /`[^`]*`/g
const PLAIN = /^["'(*_“‘«[]{0,3}\p{L}[\p{L}\p{M}'’-]*[)"'*_”’»\].,;:!?…]{0,4}$/u
/** An issue or a path. */
const REFERENCE = /^\(?(?:#\d+|[\w.-]{1,80}(?:\/[\w.#-]{1,80}){1,30})[).,:;!?]{0,4}$/
const QUOTES = /"[^"]*"|'[^']*'/g
/** Two words of a sentence that holds code. */
const RUNS_ON = /(?:^|\s)\p{L}\p{Ll}{0,40} \p{Ll}{2,40}(?=[\s.!?,])/u
const OPERATOR = /^(?:[-+*/|&%:]?=|[=:]{1,2}|[-=]>|<-|\|\|?|&&)$/
const ENDED = /[.!?…:]["'”’»)\]*_]{0,4}$/u
const CAPITAL = /^["'(*_“‘«[]{0,3}[\p{Lu}\p{Lt}]/u
const OPENS_A_BLOCK =
  /^(?:if|elif|elsif|else|for|while|until|with|class|def|try|except|finally|match|case|when|switch)\b/
/** Letters of scripts without upper case, of which words are not always apart. */
const OTHER_SCRIPT = /^[^=(){}[\]<>]*\p{Lo}{2}[^={}<>]*$/u

/** What a line without marks of its own reads as. `words` do not end as a sentence does. */
function readsAs(text: string): 'sentence' | 'words' | 'code' {
  if (NO_WORDS.test(text) || hasSignsOfCode(text)) return 'code'
  if (OTHER_SCRIPT.test(text)) return 'sentence'
  const tokens = text
    .replace(CODE_SPAN, 'Code')
    .split(/\s+/)
    .filter((token) => /[\p{L}\p{N}\p{Sm}:|&]/u.test(token))
  const [first = '', second = ''] = tokens
  const plain = tokens.filter((token) => PLAIN.test(token) || REFERENCE.test(token)).length
  if (isSaid(text, tokens.length)) return 'sentence'
  const shouted = tokens.filter((token) => /^\p{Lu}+[.,:;]?$/u.test(token)).length
  if (OPERATOR.test(second) || /[=:({<$|]/.test(first.slice(1, -1)) || plain * 2 < tokens.length) return 'code'
  if (shouted * 2 > tokens.length) return 'code'
  const isCapital = CAPITAL.test(first)
  if (ENDED.test(text)) return endsAsSentence(text, { plain, isCapital }) ? 'sentence' : 'code'
  const isRun = isCapital && plain >= 4 && plain * 4 >= tokens.length * 3 && !/^\p{Lu}{2,}\b/u.test(first)
  return isRun ? 'words' : 'code'
}

/** Whether a line ends as a sentence and has words side by side, whatever code it names. */
function isSaid(text: string, size: number): boolean {
  if (size < 3 || !/[.!?]$/.test(text) || /^\S+:\s|^\p{Lu}{2}/u.test(text)) return false
  return RUNS_ON.test(text.replace(QUOTES, '""'))
}

function endsAsSentence(text: string, { plain, isCapital }: { plain: number; isCapital: boolean }): boolean {
  if (isCapital || /^\d/.test(text)) return plain >= 2 || /^\S+[.!?]$/.test(text)
  return (
    plain >= 3 && !/["')\]]$/.test(text) && !(text.endsWith(':') && OPENS_A_BLOCK.test(text)) && !/^\S+:\s/.test(text)
  )
}

const TOKEN = /[\p{L}\p{N}_]+/gu

type Words = { all: Set<string>; first: string | null; isStatement: boolean }

function wordsOf(line: string): Words {
  const all = line.toLowerCase().match(TOKEN)
  return all === null
    ? { all: new Set(), first: null, isStatement: false }
    : { all: new Set(all), first: all[0], isStatement: isStatement(line) }
}

/** Whether two lines have at least half of their words, and two, in common; of statements the first is enough. */
function isAlike(one: Words, other: Words): boolean {
  const common = one.all.intersection(other.all).size
  const isSame = one.isStatement && other.isStatement && one.first === other.first
  return common >= (isSame ? 1 : 2) && common * 2 >= Math.max(one.all.size, other.all.size)
}

import type { Edit } from '../edit.ts'
import type { ScopeNames } from '../scope-names.ts'
import { titleOf } from './headings.ts'
import { hasSignsOfCode, isListItem, isStatement, looksLikeCode } from './line-shapes.ts'

/** The lines of a pair or of a file: those it puts in, and those it takes away. */
export type Held = { put: readonly string[]; removed: readonly string[] }

/** What words among lines of code may look like. Where the text that has ended has such lines too, they may be its own. */
const KINDS: readonly { is: RegExp; isLike: RegExp }[] = [
  { is: /^#{2,6}\s/, isLike: /^##/ },
  { is: /^(?:-{3,}|\*{3,}|_{3,})$/, isLike: /^(?:-{3,}|\*{3,}|_{3,})$/ },
  { is: /^<[|｜][^\s]{1,60}[|｜]>$/, isLike: /^<[|｜]/ },
  { is: /^<\/?[a-z][\w:-]*>$/, isLike: /^</ },
  { is: /^\*\*[^*]{1,200}\*\*(?::|\s|$)/, isLike: /^\*\*/ },
  { is: /^\p{Lu}[\w-]*:(?:$|\s.*[.!?]$)/u, isLike: /^["'\w-]+:(?:\s|$)/ },
]

/**
 * Whether a line right behind the end of a pair or of a file may be one of its lines, because the end came too early. It is
 * not where it reads as words, and the text has no lines like it.
 */
export function mayBelong(behind: string, held: Held, names: ScopeNames): boolean {
  const line = behind.replace(/^(?:> ?)+/, '')
  if (looksLikeCode(line)) return true
  const text = line.trim().replace(PICTURES, '')
  const isLiked = (like: (own: string) => boolean) => held.put.some(like) || held.removed.some(like)
  if (titleOf(line, names) !== null) return isLiked((own) => titleOf(own, names) !== null)
  if (isListItem(line)) {
    const item = text.replace(/^\S+\s+/, '')
    return isStatement(item) || takesPlaceOf(item, held) || isLiked(isListItem)
  }
  if (LEADS_TO_FILE.test(text) && names.mentionedIn(text).length > 0) return false
  const kind = KINDS.find(({ is }) => is.test(text))
  if (kind !== undefined) return isLiked((own) => kind.isLike.test(own.trim()))
  switch (readsAs(text)) {
    case 'sentence':
      return held.removed.some((own) => readsAs(own.trim()) === 'sentence' && isAlike(text, own))
    case 'words':
      return isLiked((own) => readsAs(own.trim()) === 'words')
    case 'code':
      return true
  }
}

/** Whether a line behind a pair, with blank lines between, says anew what the pair takes away: it is no words. */
export function takesPlaceOf(line: string, { removed }: Held): boolean {
  return readsAs(line.trim()) === 'code' && removed.some((own) => isAlike(line, own))
}

/** Whether a line somewhere behind a diff looks like one of it: it has a sign, and is no item of a list and no rule. */
export function hasSignOfDiff(line: string): boolean {
  const text = line.trimEnd()
  if (!/^[-+]/.test(text) || /^-{3,}$/.test(text)) return false
  if (!isListItem(text)) return true
  const item = text.slice(1).trim()
  return looksLikeCode(item) || (text.startsWith('+') && readsAs(item) === 'code')
}

/** What edits that a diff or a patch has made put in and take away. */
export function heldBy(edits: readonly Edit[]): Held {
  const pairs = edits.flatMap((edit) => (edit.kind === 'edit' ? edit.replacements : []))
  const put = edits.flatMap((edit) => (edit.kind === 'write' ? edit.body : []))
  return { put: [...put, ...pairs.flatMap(({ replace }) => replace)], removed: pairs.flatMap(removedBy) }
}

/** Lines that a pair takes away and does not put in again. */
export function removedBy({ search, replace }: { search: readonly string[]; replace: readonly string[] }): string[] {
  const kept = new Set(replace.map((line) => line.trim()))
  return search.filter((line) => line.trim() !== '' && !kept.has(line.trim()))
}

/** Signs of comments, and of lines in quotes, which hold sentences too. */
const NO_WORDS = /^(?:\/\/|\/\*|--|#|"""|'''|[;%@$!|])|^(["']).*\1[,;]?$/
const PICTURES = /^(?:\p{Extended_Pictographic}\ufe0f?\s*)+/u
const LEADS_TO_FILE = /^\p{Lu}[^()=]*:$/u
const CODE_SPAN = /`[^`]*`/g
const PLAIN = /^["'(*_“‘«[]{0,3}\p{L}[\p{L}\p{M}'’-]*[)"'*_”’»\].,;:!?…]{0,4}$/u
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
  const plain = tokens.filter((token) => PLAIN.test(token)).length
  const shouted = tokens.filter((token) => /^\p{Lu}+[.,:;]?$/u.test(token)).length
  if (OPERATOR.test(second) || /[=:({<$|]/.test(first.slice(1, -1)) || plain * 2 < tokens.length) return 'code'
  if (shouted * 2 > tokens.length) return 'code'
  const isCapital = CAPITAL.test(first)
  if (ENDED.test(text)) return endsAsSentence(text, { plain, isCapital }) ? 'sentence' : 'code'
  const isRun = isCapital && plain >= 4 && plain * 4 >= tokens.length * 3 && !/^\p{Lu}{2,}\b/u.test(first)
  return isRun ? 'words' : 'code'
}

function endsAsSentence(text: string, { plain, isCapital }: { plain: number; isCapital: boolean }): boolean {
  if (isCapital || /^\d/.test(text)) return plain >= 2 || /^\S+[.!?]$/.test(text)
  return (
    plain >= 3 && !/["')\]]$/.test(text) && !(text.endsWith(':') && OPENS_A_BLOCK.test(text)) && !/^\S+:\s/.test(text)
  )
}

const TOKEN = /[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu

/** Whether two lines have at least half of their words and signs in common. */
function isAlike(some: string, others: string): boolean {
  const [one, other] = [some, others].map((line) => new Set(line.toLowerCase().match(TOKEN)))
  if (one === undefined || other === undefined || one.size === 0) return false
  return one.intersection(other).size * 2 >= Math.max(one.size, other.size)
}

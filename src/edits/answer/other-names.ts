import { lastOf, type ScopeNames } from '../scope-names.ts'
import { isHeading } from './headings.ts'
import { isAddress, isNoFile, looksLikeFile, withoutSigns, wordsOf } from './words-of-line.ts'

const OF_MODULE = /^(?:from|imports?|importing|imported|requires?)$/i
const AS_WELL = /\b(?:same|also|too|likewise|similarly|as well)\b/i
const OTHER_FILE = /\b(?:other|another|second|next) (?:file|module|script)\b/i
/** What stands beside the name of a file that is to be one. */
const BESIDE_NAME =
  /^(?:a|add|added|also|and|change|changed|changes|create|created|creating|edit|edited|file|filename|for|full|in|into|name|new|next|now|path|step|the|then|to|update|updated|updating|write|writing|\d+|[ivx]+|[a-d])$/i

/** A line, and the files in scope that it names. */
type Line = { text: string; names: readonly string[] }

/**
 * What in a line names a file as it seems, and none in scope by the name it has: one that differs from a file in scope in
 * case or in its folders, or could be several, wherever it stands; any other where the line seems to lead to it, and not
 * only to speak of it. Names of programs and modules, addresses and versions are none. Linear.
 */
export function otherNamesIn({ text, names }: Line, scope: ScopeNames): string[] {
  if (scope.isEmpty) return []
  const words = wordsOf(text)
  const leads = leadsOn(text)
  const others = words.filter((one, at) => {
    const path = scope.meantBy(one.word) ?? scope.meantBy(withoutSigns(one.word))
    if (path !== null && names.includes(path)) return false
    if (isLikeKnown(one.word, scope)) return true
    const [before, after] = [words[at - 1]?.word ?? '', words[at + 1]?.word]
    const isOne = looksLikeFile(one) && !OF_MODULE.test(before) && after !== 'files'
    return isOne && (leads || at === 0 || at === words.length - 1)
  })
  if (others.length > 0) return others.map(({ word }) => word)
  return OTHER_FILE.test(text) && endsInColon(text) ? [text.trim()] : []
}

/** The only file that a line names, beside which stands nothing but what leads to a file; null: it is a sentence. */
export function nameAlone(line: Line, scope: ScopeNames): string | null {
  const [other, ...more] = otherNamesIn(line, scope)
  if (other === undefined || more.length > 0 || line.names.length > 0) return null
  const isAlone = wordsOf(line.text).every(({ word }) => word === other || !/\w/.test(word) || BESIDE_NAME.test(word))
  return isAlone ? withoutSigns(other) : null
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
  const last = lastOf(withoutSigns(word).replaceAll('\\', '/'))
  const [like] = scope.likeLast(last)
  if (like === undefined || isAddress(word) || (isNoFile(word) && lastOf(like) !== word)) return false
  // A word without a dot is a word, unless it is one that is hardly anything but a file's name.
  return last.includes('.') || /file$/i.test(last) || (/[A-Z]/.test(last) && lastOf(like) === last)
}

/** Whether a line seems to lead to what any file is named in it for. */
function leadsOn(line: string): boolean {
  return isHeading(line) || endsInColon(line) || AS_WELL.test(line)
}

/** But for marks behind it. */
function endsInColon(line: string): boolean {
  const at = Math.max(line.lastIndexOf(':'), line.lastIndexOf('\uff1a'))
  return at !== -1 && !/\w/.test(line.slice(at))
}

/**
 * Patterns of paths, as `.gitignore` has them: without a slash, or with one at the end alone, a name at any depth; with
 * another, a path from the root. A slash at the end names a folder and everything in it; a pattern of a folder's name does
 * too. `*` and `?` stand for characters of one name, `**` for any number of folders. Nothing negates.
 *
 * @see https://git-scm.com/docs/gitignore#_pattern_format
 */
export type PathPattern = { segments: readonly string[]; isFolder: boolean }

/** Characters of one pattern. */
export const LONGEST_PATTERN = 200

/** Why a text is no pattern, so that it completes a sentence; null: it is one. */
export function patternProblem(text: string): string | null {
  if (text.trim() !== text || text === '' || text === '/') return 'is empty, or begins or ends with a space'
  if (text.length > 2 * LONGEST_PATTERN || Array.from(text).length > LONGEST_PATTERN)
    return `is longer than ${LONGEST_PATTERN} characters`
  if (/[\p{Cc}\\[\]{}]/u.test(text)) return 'holds a character that has no meaning in a pattern (\\, [, ], {, })'
  if (text.startsWith('!')) return 'begins with !; name exceptions with --unprotect'
  const segments = text.replace(/^\//, '').replace(/\/$/, '').split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    return 'has an empty, . or .. segment'
  return null
}

/** The same, as a pattern for readers of the contract; it is not used here. */
export const PATTERN_FORM = (() => {
  const name = String.raw`(?!\.{1,2}(?:/|$))[^\p{Cc}\p{Cs}\\[\]{}/]+`
  return String.raw`^(?![!\s])(?![\s\S]*\s$)/?${name}(?:/${name})*/?$`
})()

export function pathPattern(text: string): PathPattern {
  const isFolder = text.endsWith('/')
  const path = text.replace(/\/$/, '')
  const isRooted = path.includes('/')
  const segments = foldedPath(path.replace(/^\//, '')).split('/')
  return { segments: isRooted ? segments : ['**', ...segments], isFolder }
}

/**
 * A path as every file system would find it: in one case and one normal form, without characters that some do not see,
 * without dots and spaces at the end of a name and the streams of NTFS behind a colon, and with slashes alone.
 *
 * @see https://github.com/git/git/blob/master/path.c (is_ntfs_dotgit, is_hfs_dotgit)
 */
export function foldedPath(path: string): string {
  return path
    .replaceAll('\\', '/')
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFC')
    .split('/')
    .map(foldedName)
    .join('/')
}

function foldedName(name: string): string {
  const colon = name.indexOf(':')
  const whole = colon > 0 ? name.slice(0, colon) : name
  let end = whole.length
  while (end > 0 && (whole[end - 1] === '.' || whole[end - 1] === ' ')) end -= 1
  return end === 0 ? whole : whole.slice(0, end)
}

/** @param path folded; with a slash at its end it is a folder, and fits when everything in it does */
export function isMatch({ segments, isFolder }: PathPattern, path: string): boolean {
  const names = path.split('/')
  const isOfFolder = names.at(-1) === ''
  if (isOfFolder) names.pop()
  const ends = endsOf(segments, names)
  return ends.some((end) => end < names.length || !isFolder || isOfFolder)
}

/** How many names, from the first, the segments can stand for; time grows with the product of both. */
function endsOf(segments: readonly string[], names: readonly string[]): number[] {
  let reached = new Set([0])
  for (const segment of segments) {
    const next = new Set<number>()
    for (const at of reached) {
      if (segment === '**') for (let end = at; end <= names.length; end += 1) next.add(end)
      else if (at < names.length && isNameMatch(segment, String(names[at]))) next.add(at + 1)
    }
    reached = next
  }
  return [...reached].filter((end) => end > 0)
}

/** Goes back to the last star alone, so that the time is at most the product of the lengths. */
function isNameMatch(pattern: string, name: string): boolean {
  let inPattern = 0
  let inName = 0
  let star = -1
  let afterStar = 0
  while (inName < name.length) {
    if (pattern[inPattern] === '*') {
      star = inPattern
      afterStar = inName
      inPattern += 1
    } else if (pattern[inPattern] === '?' || pattern[inPattern] === name[inName]) {
      inPattern += 1
      inName += 1
    } else if (star !== -1) {
      inPattern = star + 1
      afterStar += 1
      inName = afterStar
    } else return false
  }
  while (pattern[inPattern] === '*') inPattern += 1
  return inPattern === pattern.length
}

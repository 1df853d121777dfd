import { z } from 'zod'
import { CONTROL, SPACE } from './character-sets.ts'

/**
 * An entry of `files_in_scope`: a path from the repository's root with forward slashes, or a folder when it ends in
 * `/`. Everything that could name a place outside the tree, or git's own folder on any file system, is refused.
 */
export const MAX_PATH_BYTES = 512

/** Why a path cannot be a scope entry or an edited file; null when it can. */
export function pathProblem(path: string): string | null {
  const bytes = Buffer.byteLength(path)
  if (bytes === 0) return 'is empty'
  if (bytes > MAX_PATH_BYTES) return `is ${bytes} bytes long; at most ${MAX_PATH_BYTES} are allowed`
  if (/\p{Cc}/u.test(path)) return 'contains a control character (a NUL, a newline, …)'
  if (!path.isWellFormed()) return 'contains half of a character'
  if (path.includes('\\')) return 'contains a backslash; separate folders with /'
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'is absolute; name it from the root of the repository'
  if (path.startsWith('-')) return 'starts with a dash'
  if (path.trim() !== path) return 'starts or ends with a space'
  return segmentProblem(path)
}

function segmentProblem(path: string): string | null {
  const segments = path.replace(/\/$/, '').split('/')
  for (const segment of segments) {
    if (segment === '') return 'has an empty folder name'
    if (segment === '..') return 'leaves the repository (..)'
    if (segment === '.') return 'has a . segment'
    if (isGitFolder(segment)) return "names git's own folder (.git)"
  }
  return null
}

/**
 * Names that some file system resolves to `.git`: other case, trailing dots or spaces (NTFS), ignorable code points
 * (HFS+), the 8.3 short name.
 * @see https://github.com/git/git/blob/master/path.c (is_ntfs_dotgit, is_hfs_dotgit)
 */
export function isGitFolder(segment: string): boolean {
  const visible = segment.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
  return /^\.git[. ]*(:.*)?$/i.test(visible) || /^git~\d+$/i.test(visible)
}

/** Characters that some file systems do not see, as `isGitFolder` has them. */
const UNSEEN = String.raw`[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]*`
const GIT_FOLDER = [
  String.raw`\.${UNSEEN}[gG]${UNSEEN}[iI]${UNSEEN}[tT](?:[. ]|${UNSEEN.slice(0, -1)})*(?::[^/]*)?`,
  String.raw`[gG]${UNSEEN}[iI]${UNSEEN}[tT]${UNSEEN}~(?:${UNSEEN}\d)+${UNSEEN}`,
].join('|')

/**
 * What `pathProblem` says, as a pattern for readers of the contract; it is not used here. Of paths that are not ASCII it
 * takes fewer than 512 bytes, because a pattern cannot count bytes.
 */
const PATTERN = [
  String.raw`^(?=[\u0000-\u007f]{0,512}$|[\u0000-\uffff]{0,170}$|[\s\S]{0,128}$)`,
  String.raw`(?![-/]|[${SPACE}]|[A-Za-z]:)(?![\s\S]*[${SPACE}]$)`,
  String.raw`(?:(?!\.{1,2}(?:/|$))(?!${UNSEEN}(?:${GIT_FOLDER})(?:/|$))[^${CONTROL}\\/]+(?:/(?!$)|/$|$))+$`,
].join('')

/** A checked path as zod sees it; the issue's message completes the sentence "files_in_scope[0] …". */
export const ScopePath = z
  .string()
  .superRefine((path, context) => {
    const problem = pathProblem(path)
    if (problem !== null) context.addIssue({ code: 'custom', message: `"${path}" ${problem}` })
  })
  .meta({ minLength: 1, maxLength: MAX_PATH_BYTES, pattern: PATTERN })

/** Whether a changed file is covered: named itself, or inside a named folder. Case and bytes count. */
export function isInScope(path: string, scope: readonly string[]): boolean {
  return scope.some((entry) => entry === path || (entry.endsWith('/') && path.startsWith(entry)))
}

/** The paths of changed files that a scope does not cover. */
export function outsideOf(scope: readonly string[], files: readonly { path: string }[]): string[] {
  return files.flatMap(({ path }) => (isInScope(path, scope) ? [] : [path]))
}

/** The entries of two scopes by which they could touch the same file; empty: by none. */
export function sharedScope(left: readonly string[], right: readonly string[]): string[] {
  const shared = [
    ...left.filter((entry) => isInScope(entry, right)),
    ...right.filter((entry) => isInScope(entry, left)),
  ]
  return [...new Set(shared)]
}

/** Whether two scopes could touch the same file. An empty scope touches nothing. */
export function scopesOverlap(left: readonly string[], right: readonly string[]): boolean {
  return left.some((entry) => isInScope(entry, right)) || right.some((entry) => isInScope(entry, left))
}

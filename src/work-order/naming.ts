import { neutralised } from './markdown.ts'
import { firstCharacters } from './words.ts'

const SLUG_LENGTH = 40

/**
 * A title as ASCII words for a branch name: lower case, joined by dashes, cut at a word, at most 40 characters.
 * A title without any ASCII letter or digit gives an empty slug.
 */
export function slugOf(title: string): string {
  const words = title
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  let slug = ''
  for (const word of words) {
    const longer = slug === '' ? word : `${slug}-${word}`
    if (longer.length > SLUG_LENGTH) break
    slug = longer
  }
  return slug === '' ? (words[0] ?? '').slice(0, SLUG_LENGTH) : slug
}

/** The address of a pull request of the forge `local`, which no row of it holds. */
export function localPullRequestUrl(project: string, number: number): string {
  return `local://${encodeURIComponent(project)}/pull/${number}`
}

/**
 * The address of an order in the page, for people.
 *
 * @param pageUrl as `Config.pageUrl`; null: nothing says where the page is, and there is no address
 */
export function orderAddress(pageUrl: string | null, workOrderId: string): string | null {
  return pageUrl === null ? null : `${pageUrl}/orders/${workOrderId}`
}

/** What a branch is called where a project says nothing else. */
export const USUAL_BRANCHES = 'feature/wo-{id}-{slug}'

/** What the branch of an attempt is made of. */
export type BranchParts = {
  /** The project's; null: `USUAL_BRANCHES`. */
  pattern: string | null
  /** Enough of the order's id to be unique in its database. */
  shortId: string
  title: string
  attempt: number
}

/**
 * What the branch of an attempt may be called: the plain name first; a retry that finds it taken has one of its own. A
 * pattern that names the attempt gives each attempt its own.
 */
export function branchNames(parts: BranchParts): string[] {
  const plain = branchName({ ...parts, attempt: 1 })
  if (hasAttempt(parts)) return [branchName(parts)]
  return parts.attempt === 1 ? [plain] : [plain, branchName(parts)]
}

/** `{id}`, `{slug}` and `{attempt}` filled in. Without `{attempt}` an attempt after the first has it at the end. */
export function branchName(parts: BranchParts): string {
  const slug = slugOf(parts.title)
  // A title without a letter leaves no slug, and nothing that would join it.
  const pattern = slug === '' ? patternOf(parts).replace(/^\{slug\}[-_./]?|[-_./]?\{slug\}/g, '') : patternOf(parts)
  const values: Record<string, string> = { id: parts.shortId, slug, attempt: String(parts.attempt) }
  const branch = pattern.replace(PLACEHOLDER, (_, name: string) => String(values[name]))
  return parts.attempt === 1 || hasAttempt(parts) ? branch : `${branch}-${parts.attempt}`
}

const PLACEHOLDER = /\{(id|slug|attempt)\}/g

function patternOf({ pattern }: Pick<BranchParts, 'pattern'>): string {
  return pattern === null ? USUAL_BRANCHES : pattern
}

function hasAttempt(parts: Pick<BranchParts, 'pattern'>): boolean {
  return patternOf(parts).includes('{attempt}')
}

/**
 * Why branches cannot be called by a pattern; null: they can.
 *
 * @see https://git-scm.com/docs/git-check-ref-format
 */
export function whyNoBranchPattern(pattern: string): string | null {
  if (!pattern.includes('{id}')) return 'must contain {id}, which makes each branch another one'
  const rest = pattern.replace(PLACEHOLDER, '')
  if (/[{}]/.test(rest)) return 'has a brace that belongs to none of {id}, {slug} and {attempt}'
  const sample = { pattern, shortId: '1a2b3c4d', attempt: 2 }
  const names = ['a-title', ''].flatMap((title) => branchNames({ ...sample, title }))
  return names.every(isBranchName) ? null : 'gives a name no git branch can have (see: git check-ref-format)'
}

/** @see https://git-scm.com/docs/git-check-ref-format */
export function isBranchName(branch: string): boolean {
  if (branch === '' || branch.startsWith('-') || /[\p{Cc} ~^:?*[\\]|\.\.|@\{|\.$/u.test(branch)) return false
  if (branch === '@' || branch === 'HEAD') return false
  return branch.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
}

/** GitHub refuses a longer one. */
const MOST_OF_TITLE = 256

/**
 * The title of a pull request and the subject of its commit: `WO-{shortId}: {title}`. The title closes no issue, mentions
 * nobody and skips no checks.
 */
export function pullRequestTitle(shortId: string, title: string): string {
  return firstCharacters(`WO-${shortId}: ${neutralised(title)}`, MOST_OF_TITLE)
}

/**
 * The line of a commit's message that says which attempt made it.
 *
 * @param attempt a text: a pattern of several
 */
export function workOrderTrailer(workOrderId: string, attempt: number | string): string {
  return `Work-Order: ${workOrderId}/${attempt}`
}

/** The workflow of an attempt, the same for all its runs. The id makes starting it idempotent. */
export function workflowId(workOrderId: string, attempt: number): string {
  return `wo-${workOrderId}-${attempt}`
}

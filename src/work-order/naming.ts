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

/**
 * The branch of an attempt: `feature/wo-{shortId}-{slug}`; later attempts that cannot reuse it get `-{attempt}`.
 *
 * @param shortId enough of the order's id to be unique in its database
 */
export function branchName(shortId: string, title: string, attempt: number): string {
  const slug = slugOf(title)
  const branch = slug === '' ? `feature/wo-${shortId}` : `feature/wo-${shortId}-${slug}`
  return attempt === 1 ? branch : `${branch}-${attempt}`
}

/** What the branch of an attempt may be called: the plain name first; a retry that finds it taken has one of its own. */
export function branchNames(shortId: string, title: string, attempt: number): string[] {
  const plain = branchName(shortId, title, 1)
  return attempt === 1 ? [plain] : [plain, branchName(shortId, title, attempt)]
}

/** The title of a pull request and the subject of its commit: `WO-{shortId}: {title}`. */
export function pullRequestTitle(shortId: string, title: string): string {
  return `WO-${shortId}: ${title}`
}

/** The line of a commit's message that says which attempt made it. */
export function workOrderTrailer(workOrderId: string, attempt: number): string {
  return `Work-Order: ${workOrderId}/${attempt}`
}

/** The workflow of an attempt, the same for all its runs. The id makes starting it idempotent. */
export function workflowId(workOrderId: string, attempt: number): string {
  return `wo-${workOrderId}-${attempt}`
}

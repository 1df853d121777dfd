import type { CommitRules } from '../work-order/project.ts'
import { gitFailed } from './git.ts'
import { makeCommit } from './make-commit.ts'
import type { Mirror } from './mirror.ts'
import { fullSha } from './ref-names.ts'

export type MergeOutcome =
  /** A new merge commit in the mirror, not pushed yet. */
  | { outcome: 'merged'; sha: string }
  /** The base held the head already; `sha` is the commit on the base branch that brought it. */
  | { outcome: 'contained'; sha: string }
  /** `files`: those both sides changed, sorted; `tree`: what git made of them, with its markers where it could not merge. */
  | { outcome: 'conflict'; files: string[]; tree: string }

export type MergeRequest = { base: string; head: string; message: string; when: Date; rules: CommitRules }

/**
 * Merges two commits of the mirror without a work tree; there is always a merge commit.
 *
 * @see https://git-scm.com/docs/git-merge-tree (git 2.38 or later)
 */
export async function mergeCommits(mirror: Mirror, request: MergeRequest): Promise<MergeOutcome> {
  const base = fullSha(request.base)
  const head = fullSha(request.head)
  if (await containsCommit(mirror, base, head))
    return { outcome: 'contained', sha: await broughtBy(mirror, base, head) }
  const { tree, files } = await mergedTree(mirror, base, head)
  if (files !== null) return { outcome: 'conflict', files, tree: fullSha(tree) }
  return { outcome: 'merged', sha: await mergeCommit(mirror, request, tree) }
}

/** `files` null: git can merge them. */
async function mergedTree(
  mirror: Mirror,
  base: string,
  head: string,
): Promise<{ tree: string; files: string[] | null }> {
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', base, head]
  const result = await mirror.run(args, { signal: null })
  const [tree, ...files] = result.stdout
    .text()
    .split('\0')
    .filter((entry) => entry !== '')
  if ((result.exitCode !== 0 && result.exitCode !== 1) || tree === undefined) throw gitFailed(args, result)
  return { tree, files: result.exitCode === 1 ? [...new Set(files)].sort() : null }
}

/** The files that git cannot merge, sorted; empty: it can. Null: the two share no history. */
export async function conflictingFiles(mirror: Mirror, at: { base: string; head: string }): Promise<string[] | null> {
  const [base, head] = [fullSha(at.base), fullSha(at.head)]
  if (!(await areRelated(mirror, base, head))) return null
  const { files } = await mergedTree(mirror, base, head)
  return files === null ? [] : files
}

async function areRelated(mirror: Mirror, one: string, other: string): Promise<boolean> {
  return (await mirror.run(['merge-base', one, other], { signal: null })).exitCode === 0
}

/** Merges of the base that are looked back over. */
const MOST_MERGES = 100

/**
 * The commits that a commit differs from only by what git alone has merged into it from its base, the latest first: its first
 * parents, as far as each on the way is the merge of one commit of the base that git makes of the two without a conflict.
 */
export async function* beforeMergesOf(mirror: Mirror, { base, head }: { base: string; head: string }) {
  let at = fullSha(head)
  for (let merges = 0; merges < MOST_MERGES; merges += 1) {
    const before = await beforeMergeOf(mirror, base, at)
    if (before === null) return
    yield before
    at = before
  }
}

async function beforeMergeOf(mirror: Mirror, base: string, sha: string): Promise<string | null> {
  const args = ['rev-list', '--max-count=1', '--format=%T %P', sha]
  const [, line = ''] = (await mirror.succeed(args, { signal: null })).stdout.text().split('\n')
  const [tree, first, second, third] = line.split(' ')
  if (first === undefined || second === undefined || third !== undefined) return null
  if (!(await containsCommit(mirror, base, second))) return null
  if (!(await areRelated(mirror, first, second))) return null
  const merged = await mergedTree(mirror, fullSha(first), fullSha(second))
  return merged.files === null && merged.tree === tree ? first : null
}

/** The merge of two commits, with a tree that the mirror has. */
export function mergeCommit(mirror: Mirror, request: MergeRequest, tree: string): Promise<string> {
  const { base, head, message, when, rules } = request
  const ask: Parameters<typeof makeCommit>[0] = async (given, call) =>
    (await mirror.succeed(given, { signal: null, ...call })).stdout.text().trim()
  return makeCommit(ask, { tree, parents: [base, head], message, when, rules })
}

/** Whether `head` is `base` or one of its ancestors; false also for a commit the mirror does not have. */
export async function containsCommit(mirror: Mirror, base: string, head: string): Promise<boolean> {
  const known = await mirror.run(['cat-file', '-e', `${fullSha(head)}^{commit}`], { signal: null })
  if (known.exitCode !== 0) return false
  const args = ['merge-base', '--is-ancestor', head, base]
  const result = await mirror.run(args, { signal: null })
  if (result.exitCode !== 0 && result.exitCode !== 1) throw gitFailed(args, result)
  return result.exitCode === 0
}

/**
 * The commit of the base branch itself (first parents) that brought `head`: the head where it was fast-forwarded, else
 * its merge commit; the tip where it came in by way of another branch.
 */
export async function broughtBy(mirror: Mirror, base: string, head: string): Promise<string> {
  const args = ['rev-list', '--first-parent', '--parents', base, `^${head}`]
  const { stdout } = await mirror.succeed(args, { signal: null })
  const chain = stdout
    .text()
    .split('\n')
    .map((line) => line.split(' '))
  const [commit, firstParent] = chain.find(([, ...parents]) => parents.includes(head)) ?? []
  if (commit === undefined) return base
  return firstParent === head ? head : commit
}

import { beforeMergesOf, conflictingFiles, containsCommit } from '../git/merge.ts'
import type { Mirror } from '../git/mirror.ts'
import type { PushSource } from '../git/push.ts'
import { attemptRef, branchRef, fullSha } from '../git/ref-names.ts'
import { MOST_TOLD, type PullRequestFacts } from '../ports/pull-request-facts.ts'

/** What git says of a pull request, on any forge. */
export type BranchFacts = Pick<PullRequestFacts, 'has_base_moved' | 'mergeability' | 'conflict_files'>

export type StandingPull = {
  workOrderId: string
  branch: string
  base: string
  /** Where the branch stands. */
  headSha: string
  /** Where the base stands; null: it is gone. */
  baseSha: string | null
}

/** Null: one of the two has moved on while it was looked at. @throws {Fault} `repository_unreachable` */
export async function branchFacts(source: PushSource, pull: StandingPull): Promise<BranchFacts | null> {
  const { branch, base, headSha, baseSha } = pull
  // Number 0 is no attempt's: what was seen is nothing that has to be kept.
  const seen = attemptRef(pull.workOrderId, 0)
  if (!(await isBrought(source, { sha: headSha, branch, into: seen }))) return null
  if (baseSha === null) return { has_base_moved: false, mergeability: 'unknown', conflict_files: [] }
  if (!(await isBrought(source, { sha: baseSha, branch: base, into: branchRef(base) }))) return null
  const isUpToDate = await containsCommit(source.mirror, headSha, baseSha)
  const files = isUpToDate ? [] : await conflictingFiles(source.mirror, { base: baseSha, head: headSha })
  return {
    has_base_moved: !isUpToDate,
    mergeability: files === null ? 'conflict' : files.length === 0 ? 'clean' : 'conflict',
    conflict_files: files === null ? [] : files.slice(0, MOST_TOLD.files).map(word),
  }
}

/** Commits from which a head that the mirror has differs only by merges of its base, as `beforeMergesOf` says; the latest first. */
export async function beforeBaseMerges(mirror: Mirror, at: { base: string; head: string }): Promise<string[]> {
  const before: string[] = []
  for await (const sha of beforeMergesOf(mirror, at)) before.push(sha)
  return before.slice(0, MOST_TOLD.merges)
}

/** Fetches only what the mirror does not have. */
async function isBrought(
  { mirror, project, signal }: PushSource,
  { sha, branch, into }: { sha: string; branch: string; into: string },
): Promise<boolean> {
  const isThere = async () =>
    (await mirror.run(['cat-file', '-e', `${fullSha(sha)}^{commit}`], { signal })).exitCode === 0
  if (await isThere()) return true
  await mirror.fetchBranch(project, { branch, into }, signal)
  return await isThere()
}

const LONGEST_WORD = 500

function word(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, '')
    .slice(0, LONGEST_WORD)
    .toWellFormed()
}

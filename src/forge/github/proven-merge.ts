import type { PullRequestRow } from '../../db/pull-requests/pull-requests.ts'
import { containsCommit } from '../../git/merge.ts'
import { deleteRemoteBranch } from '../../git/push.ts'
import { branchRef, fullSha } from '../../git/ref-names.ts'
import type { Project } from '../../work-order/project.ts'
import type { GitHubForgeParts } from './pulls.ts'

/**
 * The commit on the base branch that holds a pull request GitHub calls merged; null when the branch, freshly fetched,
 * holds neither the merge commit GitHub names (also of a squash or a rebase) nor the head itself. A commit the attempt
 * began from proves nothing.
 *
 * @param row whose base branch counts, and that of its project, which it may have been renamed to; whatever base GitHub names
 * @param told.mergeSha what GitHub names; null: nothing
 */
export async function provenMerge(
  { mirrors }: GitHubForgeParts,
  project: Project,
  { base, base_sha }: Pick<PullRequestRow, 'base' | 'base_sha'>,
  told: { mergeSha: string | null; headSha: string },
): Promise<string | null> {
  const mirror = mirrors.of(project)
  for (const branch of new Set([base, project.defaultBranch])) {
    const tip = await mirror.fetchBranch(project, { branch, into: branchRef(branch) }, null)
    if (tip === null) continue
    const isNew = async (sha: string) =>
      (await containsCommit(mirror, tip, sha)) && !(await containsCommit(mirror, base_sha, sha))
    if (told.mergeSha !== null && (await isNew(told.mergeSha))) return told.mergeSha
    if (await isNew(told.headSha)) return tip
  }
  return null
}

/** Whether a branch held another tree than that of the commit that was verified; true also where it cannot be seen. */
export async function holdsOther(
  { mirrors }: GitHubForgeParts,
  project: Project,
  { verified, headSha }: { verified: string; headSha: string },
): Promise<boolean> {
  if (headSha === verified) return false
  const mirror = mirrors.of(project)
  const trees: string[] = []
  for (const sha of [headSha, verified]) {
    const found = await mirror.run(['rev-parse', '--verify', '--quiet', `${fullSha(sha)}^{tree}`], { signal: null })
    if (found.exitCode !== 0) return true
    trees.push(found.stdout.text().trim())
  }
  return trees[0] !== trees[1]
}

/** Deletes the branch of a proven merge if it still stands at what was merged. A failure is only noted. */
export async function deleteMergedBranch(
  { mirrors, log }: GitHubForgeParts,
  project: Project,
  { branch, headSha }: { branch: string; headSha: string },
): Promise<void> {
  if (branch === project.defaultBranch) return
  try {
    const source = { project, mirror: mirrors.of(project), signal: null }
    const gone = await deleteRemoteBranch(source, branch, headSha)
    if (!gone)
      log.warn(
        { branch },
        'the branch of a merged pull request holds another commit or is the default one, and was not deleted',
      )
  } catch (error) {
    log.warn({ branch, err: error }, 'the branch of a merged pull request was not deleted')
  }
}

import { endPullRequest, type PullRequestRow } from '../../db/pull-requests.ts'
import { Fault } from '../../faults/fault.ts'
import { containsCommit } from '../../git/merge.ts'
import { deleteRemoteBranch } from '../../git/push.ts'
import { branchRef } from '../../git/ref-names.ts'
import type { Project } from '../../work-order/project.ts'
import { type LocalForgeParts, pushSource, requirePullRequest } from './local-forge-parts.ts'

/**
 * Closes without merging. The branch goes too, unless somebody has put another commit on it.
 *
 * @throws {Fault} `work_order_conflict` when it is merged, also by hand
 */
export async function closePullRequest(
  parts: LocalForgeParts,
  project: Project,
  number: number,
): Promise<PullRequestRow> {
  const row = await requirePullRequest(parts, project, number)
  if (row.state === 'open' && (await isOnBase(parts, project, row))) {
    const message = `Pull request #${number} was merged by hand: ${row.base} holds its commit. Record that with: moose merge ${row.work_order_id.slice(0, 8)}`
    throw new Fault('work_order_conflict', message, { number })
  }
  const closed = await endPullRequest(parts.db, row, { state: 'closed', endedAt: parts.clock.now() })
  if (closed.state === 'merged') {
    const message = `Pull request #${number} is merged already; it cannot be closed.`
    throw new Fault('work_order_conflict', message, { number })
  }
  const gone = await deleteRemoteBranch(pushSource(parts, project), row.branch, row.head_sha)
  if (!gone) parts.log.warn({ number, branch: row.branch }, 'the branch holds another commit and was left alone')
  return closed
}

async function isOnBase({ mirrors }: LocalForgeParts, project: Project, row: PullRequestRow): Promise<boolean> {
  const mirror = mirrors.of(project)
  const tip = await mirror.fetchBranch(project, { branch: row.base, into: branchRef(row.base) }, null)
  return tip !== null && (await containsCommit(mirror, tip, row.head_sha))
}

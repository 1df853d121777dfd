import { endPullRequest, type PullRequestRow } from '../../db/pull-requests.ts'
import { Fault } from '../../errors.ts'
import { deleteRemoteBranch } from '../../git/push.ts'
import type { Project } from '../../work-order/project.ts'
import { type LocalForgeParts, pushSource, requirePullRequest } from './local-forge-parts.ts'

/** Closes without merging. The branch goes too, unless somebody has put another commit on it. */
export async function closePullRequest(
  parts: LocalForgeParts,
  project: Project,
  number: number,
): Promise<PullRequestRow> {
  const row = await requirePullRequest(parts, project, number)
  const closed = await endPullRequest(parts.db, row, { state: 'closed', endedAt: parts.clock.now() })
  if (closed.state === 'merged') {
    const message = `Pull request #${number} is merged already; it cannot be closed.`
    throw new Fault('work_order_conflict', message, { number })
  }
  const gone = await deleteRemoteBranch(pushSource(parts, project), row.branch, row.head_sha)
  if (!gone) parts.log.warn({ number, branch: row.branch }, 'the branch holds another commit and was left alone')
  return closed
}

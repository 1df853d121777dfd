import { findPullRequestOfAttempt, openPullRequest, type PullRequestRow } from '../../db/pull-requests.ts'
import { Fault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { PublishInput } from '../../ports/pull-request.ts'
import { attemptDiff } from '../attempt-diff.ts'
import { pushToFirstFree } from '../push-to-first-free.ts'
import type { LocalForgeParts } from './local-forge-parts.ts'

/**
 * Looks for what an earlier run left (the row, then the branch), does what is missing and gives the attempt's one row.
 */
export async function publishAttempt(parts: LocalForgeParts, input: PublishInput): Promise<PullRequestRow> {
  const known = await findPullRequestOfAttempt(parts.db, input)
  if (known !== null) return unlessClosed(known)
  const mirror = parts.mirrors.of(input.project)
  const branch = await pushToFirstFree({ project: input.project, mirror, signal: input.signal }, input)
  await input.hold()
  const opened = {
    project_id: input.project.id,
    work_order_id: input.workOrderId,
    attempt: input.attempt,
    title: input.title,
    body: input.body,
    base: input.project.defaultBranch,
    branch,
    base_sha: input.baseSha,
    head_sha: input.headSha,
    diff: await attemptDiff(mirror, input),
  }
  const row = await faultPoint('open_pull_request', () => openPullRequest(parts.db, opened))
  return unlessClosed(row)
}

function unlessClosed(row: PullRequestRow): PullRequestRow {
  if (row.state !== 'closed') return row
  const message = `Pull request #${row.number} of this attempt was closed. Retry the order to have it done anew.`
  throw new Fault('pull_request_closed', message, { number: row.number, branch: row.branch })
}

import { findPullRequestOfAttempt, openPullRequest, type PullRequestRow } from '../../db/pull-requests.ts'
import { Fault } from '../../errors.ts'
import { unifiedDiff } from '../../git/diff.ts'
import { type PushSource, pushCommit, remoteHead } from '../../git/push.ts'
import type { PublishInput } from '../../pipeline/ports/pull-request.ts'
import type { LocalForgeParts } from './local-forge-parts.ts'

const MAX_DIFF_BYTES = 1024 * 1024

/**
 * Looks for what an earlier run left (the row, then the branch), does what is missing and gives the attempt's one row.
 */
export async function publishAttempt(parts: LocalForgeParts, input: PublishInput): Promise<PullRequestRow> {
  const known = await findPullRequestOfAttempt(parts.db, input)
  if (known !== null) return unlessClosed(known)
  const mirror = parts.mirrors.of(input.project)
  const branch = await pushToFirstFree({ project: input.project, mirror, signal: input.signal }, input)
  const diff = await unifiedDiff(mirror, input.baseSha, input.headSha, MAX_DIFF_BYTES)
  const row = await openPullRequest(parts.db, {
    project_id: input.project.id,
    work_order_id: input.workOrderId,
    attempt: input.attempt,
    title: input.title,
    body: input.body,
    base: input.project.defaultBranch,
    branch,
    base_sha: input.baseSha,
    head_sha: input.headSha,
    // Postgres holds no NUL in a text; git shows one when it comes late in a file.
    diff: diff.replaceAll('\0', '\ufffd'),
  })
  return unlessClosed(row)
}

function unlessClosed(row: PullRequestRow): PullRequestRow {
  if (row.state !== 'closed') return row
  const message = `Pull request #${row.number} of this attempt was closed. Retry the order to have it done anew.`
  throw new Fault('pull_request_closed', message, { number: row.number, branch: row.branch })
}

/** Tries the names in their order; one that holds our commit is ours, one that holds another is left alone. */
async function pushToFirstFree(source: PushSource, input: PublishInput): Promise<string> {
  for (const branch of input.branches) {
    refuseBase(branch, input)
    const head = await remoteHead(source, branch)
    if (head === input.headSha) return branch
    if (head !== null) continue
    const pushed = await pushCommit(source, { sha: input.headSha, branch, expected: null })
    if (pushed.outcome === 'landed') return branch
    if (pushed.outcome === 'rejected') {
      const message = `The repository refused the branch ${branch}: ${pushed.reason}`
      throw new Fault('push_rejected', message, { branch })
    }
  }
  const names = input.branches.join(', ')
  const message = `Every branch name for this attempt holds a commit that is not ours: ${names}. Delete or rename one.`
  throw new Fault('branch_taken', message, { branches: names })
}

function refuseBase(branch: string, { project }: PublishInput): void {
  if (branch !== project.defaultBranch) return
  const message = `"${branch}" is the base branch of project "${project.name}"; an attempt is never pushed there.`
  throw new Fault('push_rejected', message, { branch })
}

import type { Actor } from '../../contract/actor.ts'
import { actingAs } from '../../db/audit/acting-as.ts'
import {
  endPullRequest,
  findPullRequestOfAttempt,
  keepVerified,
  openPullRequest,
  type PullRequestRow,
} from '../../db/pull-requests/pull-requests.ts'
import { Fault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import { containsCommit } from '../../git/merge.ts'
import { deleteRemoteBranch } from '../../git/push.ts'
import { branchRef } from '../../git/ref-names.ts'
import type { Forge, PublishInput, PullRequestWatch, UpdateInput } from '../../ports/pull-request.ts'
import type { Project } from '../../work-order/project.ts'
import { attemptDiff, pushOnto, pushToFirstFree } from '../attempt-commit.ts'
import { type LocalForgeParts, pushSource, requirePullRequest, toPullRequest } from './local-forge-parts.ts'
import { forget, lookAtBranches, type Unlanded } from './look-at-branches.ts'
import { mergePullRequest } from './merge.ts'

/**
 * The forge that needs no service: branches live in the project's repository, which may be a bare one on this disk,
 * and pull requests are rows of `pull_requests` with their diff.
 */
export function createLocalForge(parts: LocalForgeParts): Forge & PullRequestWatch {
  const as = (by: Actor | undefined): LocalForgeParts => ({ ...parts, db: actingAs(parts.db, by) })
  const unlanded: Unlanded = new Map()
  const ended = (project: Project, row: PullRequestRow) => {
    forget(unlanded, row)
    return toPullRequest(project, row)
  }
  return {
    // Its rows are in our database, and the base commit is fetched from its repository before a proposal.
    assertReady: async () => undefined,
    publish: async (input) => toPullRequest(input.project, await publishAttempt(parts, input)),
    // Its text is Moose's own row: nobody edits it elsewhere.
    update: async (input) => ({
      ...toPullRequest(input.project, await updatePullRequest(parts, input)),
      keepsText: null,
    }),
    merge: async (project, number, by) =>
      ended(project, await mergePullRequest(as(by), { project, number }, by?.kind === 'moose')),
    close: async (project, number, wish) => ended(project, await closePullRequest(as(wish?.by), project, number)),
    look: (watched) => lookAtBranches(parts, watched, unlanded),
    // There is no API.
    apiCallsLastHour: () => 0,
  }
}

/**
 * Closes without merging. Deletes the branch too, unless it holds another commit.
 *
 * @throws {Fault} `work_order_conflict` when it is merged, also by hand
 */
async function closePullRequest(parts: LocalForgeParts, project: Project, number: number): Promise<PullRequestRow> {
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
  if (!gone) parts.log.warn({ number, branch: row.branch }, 'the branch holds another commit and was not deleted')
  return closed
}

async function isOnBase({ mirrors }: LocalForgeParts, project: Project, row: PullRequestRow): Promise<boolean> {
  const mirror = mirrors.of(project)
  const tip = await mirror.fetchBranch(project, { branch: row.base, into: branchRef(row.base) }, null)
  return tip !== null && (await containsCommit(mirror, tip, row.head_sha))
}

/**
 * Looks for what an earlier run left (the row, then the branch), does what is missing and gives the attempt's one row.
 */
async function publishAttempt(parts: LocalForgeParts, input: PublishInput): Promise<PullRequestRow> {
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

async function updatePullRequest(parts: LocalForgeParts, input: UpdateInput): Promise<PullRequestRow> {
  const { project, number, attempt, baseSha, headSha, body } = input
  const row = unlessClosed(await requirePullRequest(parts, project, number))
  if (row.state === 'merged') return row
  await pushOnto(pushSource(parts, project), row.branch, input)
  const diff = await attemptDiff(parts.mirrors.of(project), input)
  const verified = { attempt, base: project.defaultBranch, baseSha, headSha, diff, body }
  return unlessClosed(await faultPoint('keep_pull_request', () => keepVerified(parts.db, row, verified)))
}

function unlessClosed(row: PullRequestRow): PullRequestRow {
  if (row.state !== 'closed') return row
  const message = `Pull request #${row.number} of this attempt was closed. Retry the order to have it done anew.`
  throw new Fault('pull_request_closed', message, { number: row.number, branch: row.branch })
}

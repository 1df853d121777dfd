import { whatFailed } from '../../contract/evidence/ended-verification.ts'
import { failedVerificationAt, triedResolutionAt } from '../../db/attempts/ended-verifications.ts'
import { endPullRequest, type PullRequestRow } from '../../db/pull-requests/pull-requests.ts'
import { findWorkOrder } from '../../db/work-orders/work-orders.ts'
import { conflictedFiles } from '../../edits/conflicted-files.ts'
import { Fault } from '../../faults/fault.ts'
import { mergeCommits } from '../../git/merge.ts'
import type { Mirror } from '../../git/mirror.ts'
import { deleteRemoteBranch, pushCommit, remoteHead } from '../../git/push.ts'
import { attemptRef, branchRef } from '../../git/ref-names.ts'
import type { Project } from '../../work-order/project.ts'
import { filesAsDetails, namedFiles, waysOutOfConflict, withWaysOut } from '../../work-order/ways-out.ts'
import { unverified } from '../unverified-branch.ts'
import { type LocalForgeParts, pushSource, requirePullRequest } from './local-forge-parts.ts'

/** How often a base branch may move between fetch and push. */
const ROUNDS = 10
/** Of a file that a model might be told; a longer one is none of those. */
const MOST_OF_FILE = 1024 * 1024

/**
 * Merges exactly the commit that was checked; a merge that landed before is found, not repeated.
 *
 * @param isByRule only into the commit of the base that it was checked on
 */
export async function mergePullRequest(
  parts: LocalForgeParts,
  { project, number }: { project: Project; number: number },
  isByRule: boolean,
): Promise<PullRequestRow> {
  const row = await requirePullRequest(parts, project, number)
  if (row.state === 'closed') throw conflict(row, `Pull request #${number} is closed and cannot be merged.`)
  const source = pushSource(parts, project)
  if (row.state === 'merged') {
    await deleteRemoteBranch(source, row.branch, row.head_sha)
    return row
  }
  await bringHead(parts, project, row)
  const mergeSha = await landOnBase(parts, project, row, isByRule)
  const merged = await endPullRequest(parts.db, row, { state: 'merged', mergeSha, endedAt: parts.clock.now() })
  await deleteRemoteBranch(source, row.branch, row.head_sha)
  return merged
}

/** Makes sure the branch still holds what was checked, and that the mirror has it. */
async function bringHead(parts: LocalForgeParts, project: Project, row: PullRequestRow): Promise<void> {
  const head = await remoteHead(pushSource(parts, project), row.branch)
  // Deleted by hand: the mirror keeps the commit of every attempt.
  if (head === null) return
  if (head !== row.head_sha) throw unverified(row, head, await failedVerificationAt(parts.db, row, head))
  const into = attemptRef(row.work_order_id, row.attempt)
  await parts.mirrors.of(project).fetchBranch(project, { branch: row.branch, into }, null)
}

/** @returns the commit on the base branch that holds the change */
async function landOnBase(
  parts: LocalForgeParts,
  project: Project,
  row: PullRequestRow,
  isByRule: boolean,
): Promise<string> {
  const source = pushSource(parts, project)
  const message = await mergeMessage(source.mirror, row)
  for (let round = 0; round < ROUNDS; round += 1) {
    const base = await fetchBase(parts, project, row.base)
    const when = parts.clock.now()
    const merge = await mergeCommits(source.mirror, { base, head: row.head_sha, message, when, rules: project.commits })
    if (merge.outcome === 'contained') return merge.sha
    if (isByRule && base !== row.base_sha) throw baseMoved(row, base)
    if (merge.outcome === 'conflict') throw await mergeConflict(parts, row, { ...merge, base, mirror: source.mirror })
    const pushed = await pushCommit(source, { sha: merge.sha, branch: row.base, expected: base })
    if (pushed.outcome === 'landed') return merge.sha
    if (pushed.outcome === 'rejected') {
      const advice = 'A branch that is checked out in a repository with a work tree cannot be pushed to.'
      const told = `The repository refused the merge into ${row.base}: ${pushed.reason}. ${advice}`
      throw new Fault('push_rejected', told, { branch: row.base })
    }
  }
  const told = `The branch ${row.base} moved ${ROUNDS} times while pull request #${row.number} was merged. Try again.`
  throw new Fault('push_rejected', told, { branch: row.base })
}

function baseMoved(row: PullRequestRow, base: string): Fault {
  const message =
    `${row.base} has moved to ${base.slice(0, 12)} since pull request #${row.number} was verified on ${row.base_sha.slice(0, 12)}: ` +
    'by rule it is merged once that is merged in and verified.'
  return conflict(row, message)
}

/** The title in the row is a copy to show; what is committed is as it was. */
async function mergeMessage(mirror: Mirror, { number, head_sha, title, verified_by }: PullRequestRow): Promise<string> {
  // Where others have gone on with the branch, its last commit does not say what the whole is for.
  if (verified_by !== null) return `Merge pull request #${number}: ${title}\n`
  const { stdout } = await mirror.succeed(['show', '-s', '--format=%s', head_sha], { signal: null })
  return `Merge pull request #${number}: ${stdout.text().trim()}\n`
}

async function fetchBase({ mirrors }: LocalForgeParts, project: Project, base: string): Promise<string> {
  const sha = await mirrors.of(project).fetchBranch(project, { branch: base, into: branchRef(base) }, null)
  if (sha !== null) return sha
  throw new Fault('base_branch_missing', `The repository of "${project.name}" has no branch "${base}" any more.`, {
    base,
  })
}

async function mergeConflict(
  { db }: LocalForgeParts,
  row: PullRequestRow,
  found: { base: string; files: readonly string[]; tree: string; mirror: Mirror },
): Promise<Fault> {
  const { base: baseSha, files } = found
  const { number, base, head_sha, work_order_id: workOrderId } = row
  const tried = await triedResolutionAt(db, row, { base_sha: baseSha, head_sha })
  const said =
    `Pull request #${number} conflicts with ${base} in: ${namedFiles(files)}.` +
    (tried === null ? '' : ` A model was to resolve that in attempt ${tried.attempt}: ${whatFailed(tried)}`)
  const byHand = tried === null ? await leftToPerson(db, row, found) : null
  const { message, details } = withWaysOut(
    byHand === null ? said : `${said} ${byHand}`,
    waysOutOfConflict({ ...row, workOrderId, maySolve: tried === null && byHand === null }),
  )
  const left = byHand === null ? {} : { by_hand: byHand }
  const told = { number, ...filesAsDetails(files), base_sha: baseSha, head_sha, ...details, ...left }
  return new Fault('merge_conflict', message, told)
}

/** Why no model can be asked to resolve it; null: one can. */
async function leftToPerson(
  db: LocalForgeParts['db'],
  { work_order_id, head_sha: head }: PullRequestRow,
  { base, files, tree, mirror }: { base: string; files: readonly string[]; tree: string; mirror: Mirror },
): Promise<string | null> {
  const { files_in_scope: scope } = await findWorkOrder(db, work_order_id)
  const trees = { base, head, marked: tree }
  const read = await conflictedFiles({ files, scope, first: base }, async (side, path) => {
    const call = { signal: null, maxOutputBytes: MOST_OF_FILE, keep: 'head' } as const
    const { exitCode, stdout } = await mirror.run(['cat-file', 'blob', `${trees[side]}:${path}`], call)
    return exitCode === 0 ? stdout.bytes() : null
  })
  return 'byHand' in read ? read.byHand : null
}

function conflict(row: PullRequestRow, message: string): Fault {
  return new Fault('work_order_conflict', message, { number: row.number, branch: row.branch })
}

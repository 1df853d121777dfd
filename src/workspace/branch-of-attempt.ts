import { Fault } from '../faults/fault.ts'
import { containsCommit, mergeCommit, mergeCommits } from '../git/merge.ts'
import type { Mirror } from '../git/mirror.ts'
import { attemptRef, fullSha } from '../git/ref-names.ts'
import type { AttemptCommit, BranchRequest, BroughtUp, StandingBranch } from '../ports/workspace.ts'
import { workOrderTrailer } from '../work-order/naming.ts'

/** See `Workspaces.keptCommit`. */
export async function keptCommit(mirror: Mirror, workOrderId: string, attempt: number): Promise<string | null> {
  const ref = attemptRef(workOrderId, attempt)
  const { stdout } = await mirror.run(['for-each-ref', '--format=%(objectname)', '--', ref], { signal: null })
  const sha = stdout.text().trim()
  return sha === '' ? null : fullSha(sha)
}

/** See `Workspaces.standingBranch`. */
export async function standingBranch(
  mirror: Mirror,
  baseTip: string,
  { project, workOrderId, attempt, branch, known, began, signal }: BranchRequest,
  made: readonly AttemptCommit[],
): Promise<StandingBranch> {
  const into = attemptRef(workOrderId, attempt)
  const fetched = await mirror.fetchBranch(project, { branch, into }, signal)
  const isThere = fetched !== null
  const head = isThere ? fetched : await knownHead(mirror, { branch, known, into })
  const args = ['merge-base', fullSha(baseTip), fullSha(head)]
  const { exitCode, stdout } = await mirror.run(args, { signal })
  const base = project.defaultBranch
  if (exitCode !== 0) {
    const message = `The branch ${branch} shares no history with ${base}. Put the branch back on top of it.`
    throw new Fault('work_order_conflict', message, { branch })
  }
  const forkedAt = fullSha(stdout.text().trim())
  // An older commit of the base may have other checks, or none.
  if ((await containsCommit(mirror, baseTip, began)) && !(await containsCommit(mirror, forkedAt, began))) {
    const message =
      `The branch ${branch} builds on ${forkedAt.slice(0, 12)}, an older commit of ${base} than ${began.slice(0, 12)}, on which ` +
      `its pull request was opened or last verified: the checks of ${base} may not be there. Put the branch on top of ${base}, ` +
      `or merge ${base} into it, and verify it again.`
    throw new Fault('work_order_conflict', message, { branch })
  }
  const madeBy = await makerOf(mirror, head, { workOrderId, made })
  return { baseTip, head, isThere, madeBy, forkedAt }
}

/** A trailer may be in any commit, and an attempt also keeps what it only verified: both have to name the attempt. */
async function makerOf(
  mirror: Mirror,
  head: string,
  { workOrderId, made }: { workOrderId: string; made: readonly AttemptCommit[] },
): Promise<number | null> {
  for (const { attempt, headSha } of made)
    if (headSha === head && (await isMadeBy(mirror, head, { workOrderId, attempt }))) return attempt
  return null
}

/** The mirror keeps the commit of every attempt whose pull request is open, also where its branch was deleted. */
async function knownHead(mirror: Mirror, { branch, known, into }: { branch: string; known: string; into: string }) {
  const { exitCode } = await mirror.run(['cat-file', '-e', `${fullSha(known)}^{commit}`], { signal: null })
  if (exitCode === 0) {
    await mirror.keep(into, known)
    return known
  }
  const message = `There is no commit to verify: the branch ${branch} is gone, and its commit is not kept here.`
  throw new Fault('work_order_conflict', message, { branch })
}

/** See `Workspaces.bringUp`. */
export async function bringUp(mirror: Mirror, request: BranchRequest, merging: Merging): Promise<BroughtUp> {
  const merge = await mergeCommits(mirror, mergeInto(request, merging))
  if (merge.outcome === 'conflict') return merge
  const sha = merge.outcome === 'contained' ? merging.head : merge.sha
  await mirror.keep(attemptRef(request.workOrderId, request.attempt), sha)
  return { outcome: 'brought_up', sha }
}

type Merging = { base: string; head: string; when: Date }

/** See `Workspaces.bringUpAs`. */
export async function bringUpAs(
  mirror: Mirror,
  request: BranchRequest,
  { treeOf, ...merging }: Merging & { treeOf: string },
): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', `${fullSha(treeOf)}^{tree}`]
  const tree = (await mirror.succeed(args, { signal: null })).stdout.text().trim()
  const sha = await mergeCommit(mirror, mergeInto(request, merging), tree)
  await mirror.keep(attemptRef(request.workOrderId, request.attempt), sha)
  return sha
}

function mergeInto({ project, workOrderId, attempt, branch }: BranchRequest, { base, head, when }: Merging) {
  const subject = `Merge branch '${project.defaultBranch}' into ${branch}`
  const message = `${subject}\n\n${workOrderTrailer(workOrderId, attempt)}\n`
  // The branch is the first parent: it is fast-forwarded, and nothing of it is written anew.
  return { base: head, head: base, message, when, rules: project.commits }
}

/** See `Workspaces.rollBack`. */
export async function rollBack(mirror: Mirror, workOrderId: string, attempt: number): Promise<string | null> {
  const sha = await keptCommit(mirror, workOrderId, attempt)
  if (sha === null) return null
  if (!(await isMadeBy(mirror, sha, { workOrderId, attempt }))) return null
  return (await mirror.deleteRef(attemptRef(workOrderId, attempt), sha)) ? sha : null
}

async function isMadeBy(
  mirror: Mirror,
  sha: string,
  { workOrderId, attempt }: { workOrderId: string; attempt: number },
): Promise<boolean> {
  const commit = await mirror.succeed(['cat-file', 'commit', sha], { signal: null })
  return commit.stdout.text().split('\n').includes(workOrderTrailer(workOrderId, attempt))
}

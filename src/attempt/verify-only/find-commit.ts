import { Fault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { BranchRequest } from '../../ports/workspace.ts'
import { isInScope } from '../../work-order/scope.ts'
import { waysOutOfConflict } from '../../work-order/ways-out.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Applied } from '../steps/apply.ts'
import type { Routed } from '../steps/route.ts'
import { nothingToVerify, type OpenPull, type ToVerify } from './what-to-verify.ts'

export type RoutedToVerify = Routed & { toVerify: ToVerify }

/** The commit that is verified, as `apply` would have made it. */
export type FoundCommit = Applied & {
  /** The commit of the base that it builds on. */
  baseSha: string
  /** Where the branch of the pull request stood; null: it has none, or the branch is gone. */
  branchHead: string | null
}

type Parts = Pick<Adapters, 'workspaces'>

/**
 * Finds the commit that is to be verified, or makes it: what the attempt left; of a pull request what its branch holds, with
 * the base merged in where that has moved and nobody else has pushed to the branch.
 *
 * @throws {Fault} `work_order_conflict` when there is none; `merge_conflict`; those of `Workspaces.standingBranch`
 */
export async function findCommit(context: AttemptContext, routed: RoutedToVerify, parts: Parts): Promise<FoundCommit> {
  const { pull } = routed.toVerify
  return pull === null ? keptOne(context, routed, parts) : ofBranch(context, routed, parts, pull)
}

async function keptOne(
  { workOrderId, attempt, epoch, signal, note }: AttemptContext,
  { project, toVerify }: RoutedToVerify,
  { workspaces }: Parts,
): Promise<FoundCommit> {
  const { headSha, propose, apply } = toVerify
  if ((await workspaces.keptCommit(project, workOrderId, toVerify.attempt)) !== headSha)
    throw nothingToVerify(workOrderId)
  if (epoch > 0) await workspaces.bringBase(project, propose.baseSha, signal)
  await workspaces.keep(project, { workOrderId, attempt }, headSha)
  const reason = `the commit of attempt ${toVerify.attempt}, made by ${apply.executor}; no model is called`
  await note(`${headSha.slice(0, 12)} is ${reason}`)
  return {
    headSha,
    baseSha: propose.baseSha,
    branchHead: null,
    executor: apply.executor,
    reason,
    costUsd: 0,
    answers: 0,
  }
}

async function ofBranch(
  context: AttemptContext,
  { project, order, toVerify }: RoutedToVerify,
  { workspaces }: Parts,
  pull: OpenPull,
): Promise<FoundCommit> {
  const { workOrderId, attempt, signal, claimedAt, note } = context
  const { branch, headSha: known, baseSha: began } = pull
  const request: BranchRequest = { project, workOrderId, attempt, branch, known, began, signal }
  const standing = await faultPoint('fetch_base', () => workspaces.standingBranch(request))
  const { baseTip, head, isThere, isOurs, forkedAt } = standing
  const found = { executor: toVerify.apply.executor, costUsd: 0, answers: 0, branchHead: isThere ? head : null }
  if (head !== known && !isOurs) {
    const files = await workspaces.changedFiles(project, forkedAt, head)
    const outside = files.map(({ path }) => path).filter((path) => !isInScope(path, order.files_in_scope))
    if (outside.length > 0) await note(`changed by hand outside files_in_scope: ${outside.join(', ')}`)
    const reason = `what ${branch} holds since it was changed by hand`
    await note(`${head.slice(0, 12)} is ${reason}`)
    return { ...found, headSha: head, baseSha: forkedAt, reason, byHand: true }
  }
  if (forkedAt === baseTip) return { ...found, headSha: head, baseSha: forkedAt, reason: `what ${branch} holds` }
  const merged = await faultPoint('commit', () => workspaces.bringUp(request, { base: baseTip, head, when: claimedAt }))
  if (merged.outcome === 'conflict') throw conflict(context, { pull, base: project.defaultBranch, files: merged.files })
  const reason = `${branch} with ${project.defaultBranch} at ${baseTip.slice(0, 12)} merged in`
  await note(`${merged.sha.slice(0, 12)} is ${reason}`)
  return { ...found, headSha: merged.sha, baseSha: baseTip, reason }
}

function conflict(
  { workOrderId }: AttemptContext,
  { pull: { number, branch }, base, files }: { pull: OpenPull; base: string; files: readonly string[] },
): Fault {
  const names = files.join(', ')
  const message =
    `Pull request #${number} conflicts with ${base} in: ${names}. git cannot merge ${base} into ${branch} by itself. ` +
    waysOutOfConflict({ workOrderId, base, branch })
  return new Fault('merge_conflict', message, { number, files: names })
}

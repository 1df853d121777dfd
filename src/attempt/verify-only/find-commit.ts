import { z } from 'zod'
import type { ConflictOf } from '../../db/attempts/asked-before.ts'
import { conflictedFiles } from '../../edits/conflicted-files.ts'
import { Fault, type FaultRecord, toFault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { BranchRequest, StandingBranch } from '../../ports/workspace.ts'
import { isInScope } from '../../work-order/scope.ts'
import { filesAsDetails, namedFiles, waysOutOfConflict, withWaysOut } from '../../work-order/ways-out.ts'
import { firstSentence } from '../../work-order/words.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Applied } from '../steps/apply.ts'
import type { Routed } from '../steps/route.ts'
import { nothingToVerify, type OpenPull, type ToVerify } from './what-to-verify.ts'

/**
 * `resolves`: a model is asked where git cannot merge. `follows`: it is a reaction of Moose's own, `task` why a model is asked; null:
 * a human asked for it. Either is missing where an older Moose routed it.
 */
export type RoutedToVerify = Routed & {
  toVerify: ToVerify
  resolves?: boolean
  follows?: { task: string | null } | null
}

/** The commit that is verified, as `apply` would have made it. */
export type FoundCommit = Applied & {
  /** The commit of the base that it builds on. */
  baseSha: string
  /** Where the branch of the pull request stood; null: it has none, or the branch is gone. */
  branchHead: string | null
  /** The branch holds what this attempt has made and verified: it was taken over right after its push. */
  isPushed?: true
  /** The commit of another push that it is or builds on. */
  byOthers?: string
}

/** Two commits that git cannot merge, where a model is to be asked. */
export type FoundConflict = Omit<FoundCommit, 'headSha'> & {
  conflict: ConflictOf & {
    files: string[]
    /** The merge of the two as git has made it, with its markers. */
    markedSha: string
  }
  pull: OpenPull
}

type Parts = Pick<Adapters, 'workspaces'>

/**
 * Finds the commit that is to be verified, or makes it: what the attempt left; of a pull request what its branch holds, with
 * the base merged in where that has moved and the branch holds no other push.
 *
 * @returns the conflict where git cannot merge and a model may resolve it
 * @throws {Fault} `work_order_conflict` when there is none, or a reaction of Moose's own finds what it has not made; `merge_conflict`;
 *   those of `Workspaces.standingBranch`
 */
export async function findCommit(
  context: AttemptContext,
  routed: RoutedToVerify,
  parts: Parts,
): Promise<FoundCommit | FoundConflict> {
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

/** The branch of the pull request, to be fetched, and to be merged into for the attempt. */
export function branchRequest(
  { workOrderId, attempt, signal }: AttemptContext,
  { project }: RoutedToVerify,
  { branch, headSha: known, baseSha: began }: OpenPull,
): BranchRequest {
  return { project, workOrderId, attempt, branch, known, began, signal }
}

async function ofBranch(
  context: AttemptContext,
  routed: RoutedToVerify,
  { workspaces }: Parts,
  pull: OpenPull,
): Promise<FoundCommit | FoundConflict> {
  const { project, toVerify } = routed
  const { branch, headSha: known } = pull
  const { claimedAt, note, resolves } = context
  const request = branchRequest(context, routed, pull)
  const made = await context.made()
  const standing = await faultPoint('fetch_base', () => workspaces.standingBranch(request, made))
  const { baseTip, head, isThere, madeBy, forkedAt } = standing
  const isOurs = madeBy === context.attempt
  const isByHand = head !== known && !isOurs
  const byOthers = isByHand ? leftByHand(context, pull, standing) : {}
  // What was verified before may hold what another push has changed outside of the scope; Moose itself never does.
  const isOutside = await sayOutside(context, routed, { workspaces, from: forkedAt, to: head })
  const byHand = isByHand || isOutside ? { byHand: true as const } : {}
  const branchHead = isThere ? head : null
  const pushed = isOurs && head !== known ? { isPushed: true as const } : {}
  const found = {
    executor: toVerify.apply.executor,
    costUsd: 0,
    answers: 0,
    branchHead,
    ...byHand,
    ...byOthers,
    ...pushed,
  }
  const asItStands = async (): Promise<FoundCommit> => {
    const reason = `what ${branch} holds${isByHand ? ' since it was changed by hand' : ''}`
    if (isByHand) await note(`${head.slice(0, 12)} is ${reason}`)
    return { ...found, headSha: head, baseSha: forkedAt, reason }
  }
  if (forkedAt === baseTip || (isByHand && !resolves)) return await asItStands()
  const merging = { base: baseTip, head, when: claimedAt }
  const merged = await faultPoint('commit', () => workspaces.bringUp(request, merging))
  if (merged.outcome === 'conflict') {
    const { files, tree } = merged
    const conflict = { base_sha: baseTip, head_sha: head, files }
    if (!resolves) {
      const read = await conflictOfBranch(routed, { workspaces }, { ...conflict, markedSha: tree })
      const byHand = 'byHand' in read ? read.byHand : null
      const before = await context.resolvedIn({ base_sha: baseTip, head_sha: head })
      const why = before === null ? null : askedBefore(before)
      throw unmerged(context, { pull, base: project.defaultBranch, conflict, byHand }, why)
    }
    const markedSha = await workspaces.bringUpAs(request, { ...merging, treeOf: tree })
    const reason = `${branch} conflicts with ${project.defaultBranch} at ${baseTip.slice(0, 12)} in: ${namedFiles(files)}`
    await note(reason)
    return { ...found, baseSha: baseTip, reason, conflict: { ...conflict, markedSha }, pull }
  }
  if (isByHand) {
    // git can merge it, and nothing has to be made of what another push holds.
    await workspaces.keep(project, request, head)
    return await asItStands()
  }
  const reason = `${branch} with ${project.defaultBranch} at ${baseTip.slice(0, 12)} merged in`
  await note(`${merged.sha.slice(0, 12)} is ${reason}`)
  return { ...found, headSha: merged.sha, baseSha: baseTip, reason }
}

/**
 * What a human has verified may be of others. In a reaction nothing is merged into what was pushed meanwhile, and no model is asked to
 * go on from it.
 *
 * @throws {Fault} `work_order_conflict`
 */
function leftByHand(
  { workOrderId, follows }: AttemptContext,
  { number, branch }: OpenPull,
  { head, madeBy }: StandingBranch,
): Pick<FoundCommit, 'byOthers'> {
  if (follows === null) return madeBy === null ? { byOthers: head } : {}
  const id = workOrderId.slice(0, 8)
  const holds = `The branch ${branch} of pull request #${number} holds ${head.slice(0, 12)},`
  if (madeBy !== null) {
    const message = `${holds} and not what was verified last: nothing was made on it. Have it verified: moose verify ${id}`
    throw new Fault('work_order_conflict', message, { number, branch })
  }
  const message = `${holds} which Moose has not made. Nothing is pushed there until it is given back: moose adopt ${id}`
  throw new Fault('work_order_conflict', message, { number, branch, by_others: head })
}

const ByOthers = z.object({ number: z.number(), branch: z.string(), by_others: z.string() })

/** What another push holds, as the end of a reaction tells of it; null: it ended otherwise. */
export function pushedByOthers({ code, details }: FaultRecord): { number: number; sha: string; why: string } | null {
  const told = code === 'work_order_conflict' ? ByOthers.safeParse(details) : null
  if (told === null || !told.success) return null
  const { number, branch, by_others: sha } = told.data
  return { number, sha, why: `${branch} holds ${sha.slice(0, 12)}, which Moose has not made` }
}

/** @returns whether the branch changes files outside of the scope */
async function sayOutside(
  { note }: AttemptContext,
  { project, order }: RoutedToVerify,
  { workspaces, from, to }: Parts & { from: string; to: string },
): Promise<boolean> {
  const files = await workspaces.changedFiles(project, from, to)
  const outside = files.map(({ path }) => path).filter((path) => !isInScope(path, order.files_in_scope))
  if (outside.length > 0) await note(`changed by hand outside files_in_scope: ${outside.join(', ')}`)
  return outside.length > 0
}

/** What a model is told of a conflict, or why it is left to a person. @param conflict.markedSha a commit or a tree */
export function conflictOfBranch(
  { project, order }: RoutedToVerify,
  { workspaces }: Parts,
  { base_sha: base, head_sha: head, markedSha: marked, files }: FoundConflict['conflict'],
) {
  const trees = { base, head, marked }
  const conflict = { files, scope: order.files_in_scope, first: head }
  return conflictedFiles(conflict, async (side, path) => {
    try {
      return await workspaces.tree(project, trees[side]).read(path)
    } catch (error) {
      const { code } = toFault(error)
      if (code === 'scope_unreadable' || code === 'scope_too_large') return null
      throw error
    }
  })
}

type Unmerged = {
  pull: OpenPull
  base: string
  conflict: ConflictOf & { files: readonly string[] }
  /** Why no model can resolve it; null or missing: one may be asked to, as far as is known. */
  byHand?: string | null
}

/** Why no model has resolved a conflict. */
export type Unresolved = {
  message: string
  /** The code of what asking one came to; null: none was asked. */
  repair: string | null
  /** Whether another one is not asked for these two commits. */
  isFinal: boolean
}

/** @param attempt in which a model was asked about the same two commits */
export function askedBefore(attempt: number): Unresolved {
  const message = `A model was asked about these very commits in attempt ${attempt}, and is asked once.`
  return { message, repair: null, isFinal: true }
}

/** @param why no model has resolved it; null: none was asked for */
export function unmerged(
  { workOrderId }: AttemptContext,
  { pull: { number, branch }, base, conflict, byHand = null }: Unmerged,
  why: Unresolved | null = null,
): Fault {
  const { base_sha, head_sha } = conflict
  const said =
    `Pull request #${number} conflicts with ${base} in: ${namedFiles(conflict.files)}. git cannot merge ${base} into ${branch} by itself.` +
    (why === null ? '' : ` ${why.message}`) +
    (byHand === null ? '' : ` ${byHand}`)
  const { message, details } = withWaysOut(
    said,
    waysOutOfConflict({ workOrderId, base, branch, maySolve: byHand === null && (why === null || !why.isFinal) }),
  )
  const repair = why === null || why.repair === null ? {} : { repair: why.repair }
  const unresolved =
    why === null ? {} : why.isFinal ? { unresolved: why.message } : { said: firstSentence(why.message) }
  return new Fault('merge_conflict', message, {
    number,
    ...filesAsDetails(conflict.files),
    base_sha,
    head_sha,
    ...details,
    ...repair,
    ...unresolved,
    ...(byHand === null ? {} : { by_hand: byHand }),
  })
}

import { CONFLICT, type Repair } from '../../contract/evidence/repair.ts'
import { countsAsAnswered, resolvingOf } from '../../db/attempts/asked-before.ts'
import type { ConflictedFile } from '../../edits/conflicted-files.ts'
import { isOf } from '../../faults/families.ts'
import { Fault, NEXT_MOVE, toFault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import { contextFilesOf } from '../../work-order/content.ts'
import { asProviderPaused } from '../as-provider-paused.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Run } from '../durable-step.ts'
import { apply } from '../steps/apply.ts'
import { knowBase } from '../steps/prepare.ts'
import { answersOf, MOST_ANSWERS_OF_ONE, type Proposed, questionOf } from '../steps/propose.ts'
import {
  askedBefore,
  branchRequest,
  conflictOfBranch,
  type FoundCommit,
  type FoundConflict,
  type RoutedToVerify,
  type Unresolved,
  unmerged,
} from './find-commit.ts'

type Resolving = {
  context: AttemptContext
  routed: RoutedToVerify
  adapters: Adapters
  run: Run
  found: FoundConflict
  onCommit: (headSha: string) => Promise<void>
  /** Called before a model is asked. @throws {Fault} where it has to wait */
  mayAsk: () => Promise<void>
  /** Called with the two commits before a model is. */
  onAsk: (resolving: string) => Promise<void>
}

/** What was made of a conflict; `resolution`: the repair, none where there was no conflict. */
export type Resolved = { applied: FoundCommit; resolution: readonly Omit<Repair, 'mended'>[] }

/**
 * Has the proposer that made the change resolve what git could not merge, once for these two commits, and makes the merge
 * commit of it. Nothing is pushed.
 *
 * @throws {Fault} `merge_conflict` where it cannot be asked, its call does not fit the order's cap, or its answers do not
 *   resolve it; what suspends the attempt
 */
export async function resolveConflict(resolving: Resolving): Promise<Resolved> {
  const { context, routed, adapters, run, found } = resolving
  const { project, toVerify } = routed
  const { base_sha, head_sha, markedSha } = found.conflict
  const reason = `conflict with ${project.defaultBranch} at ${base_sha.slice(0, 12)}`
  const proposer = toVerify.propose.proposer
  const answered = await run({
    name: 'propose',
    input: { proposer, head_sha, repair: reason },
    run: () => ask(resolving, proposer, reason),
  })
  const { response } = answered
  const applied = await run({
    name: 'apply',
    input: { head_sha: markedSha, format: response.format, repair: reason },
    async run() {
      const proposed: Proposed = { ...toVerify.propose, baseSha: base_sha, answers: 0, told: answered.told }
      // Edits were asked for, and nothing has failed that is to be told.
      const repair = { by: 'proposer', number: 1, reason, told: { failure: '', diff: '' } } as const
      const application = { onSha: markedSha, response, previous: null, repair, mostCalls: 1 }
      const made = await apply(context, { routed, proposed }, adapters, application)
      const merging = { base: base_sha, head: head_sha, when: context.claimedAt, treeOf: made.headSha }
      const request = branchRequest(context, routed, found.pull)
      const headSha = await faultPoint('commit', () => adapters.workspaces.bringUpAs(request, merging))
      const what = `${found.pull.branch} with ${project.defaultBranch} merged in, its conflict resolved by ${proposer}`
      await resolving.onCommit(headSha)
      await context.note(`${headSha.slice(0, 12)} is ${what}`)
      const { baseSha, branchHead, byHand } = found
      const hand = byHand === undefined ? {} : { byHand }
      return { headSha, baseSha, branchHead, executor: made.executor, reason: what, costUsd: 0, answers: 0, ...hand }
    },
  })
  const made = { check: CONFLICT, by: 'proposer', head_sha: applied.headSha, cost_usd: response.cost } as const
  return { applied, resolution: [made] }
}

async function ask(resolving: Resolving, proposer: string, reason: string) {
  const { context, routed, adapters, found } = resolving
  const { order, project } = routed
  const { base_sha: baseSha, head_sha, markedSha } = found.conflict
  const before = await context.resolvedIn({ base_sha: baseSha, head_sha })
  if (before !== null) throw left(resolving, askedBefore(before))
  const conflict = await filesToTell(resolving)
  const { config } = await knowBase(context, project, baseSha, adapters)
  const told = { contextFiles: contextFilesOf(config, order), wanted: 'edits', previousFailure: null } as const
  await resolving.mayAsk()
  await context.note(reason)
  await resolving.onAsk(resolvingOf({ base_sha: baseSha, head_sha }))
  const question = questionOf(context, { order, project }, adapters, { asked: proposer, baseSha, told })
  const repair = { conflict, changed: adapters.workspaces.tree(project, markedSha) }
  try {
    const response = await adapters.proposer.propose({ ...question, mostCalls: MOST_ANSWERS_OF_ONE, repair })
    return { response, reason, told }
  } catch (error) {
    throw ofAsking(resolving, proposer, toFault(error))
  }
}

/** @throws {Fault} `merge_conflict` where no model can be asked */
async function filesToTell(resolving: Resolving): Promise<ConflictedFile[]> {
  const { context, routed, adapters, found } = resolving
  const read = await conflictOfBranch(routed, adapters, found.conflict)
  if ('byHand' in read) throw left(resolving, null, read.byHand)
  await context.note(`shows the model: ${read.told.map(({ path }) => path).join(', ')}`)
  return read.told
}

/**
 * What asking a model came to, where it came to nothing. What would only be put off is put off. An answer that came counts, unless
 * nothing was its fault: these commits are not asked about again.
 */
function ofAsking(resolving: Resolving, proposer: string, fault: Fault): Fault {
  if (isOf('outage', fault.code)) return asProviderPaused(fault, proposer)
  const { code } = fault
  const ended = { repair: code, isFinal: countsAsAnswered({ code, answers: answersOf(fault) }) }
  if (code === 'budget_exceeded') return unresolved(resolving, fault.message, ended)
  const move = NEXT_MOVE[code]
  if (move === 'suspend' || move === 'stop' || move === 'leave' || move === 'retry') return fault
  if (code === 'internal')
    return unresolved(resolving, `Asking ${proposer} to resolve that failed: ${fault.message}`, ended)
  return unresolved(resolving, `${proposer} was asked to resolve that and has not: ${fault.message}`, ended)
}

function unresolved(resolving: Resolving, message: string, ended: Omit<Unresolved, 'message'>) {
  return left(resolving, { message, ...ended })
}

/** Left to a person. @param byHand why no model can be asked; null: one may be */
function left({ context, routed, found }: Resolving, why: Unresolved | null, byHand: string | null = null) {
  const told = { pull: found.pull, base: routed.project.defaultBranch, conflict: found.conflict, byHand }
  return unmerged(context, told, why)
}

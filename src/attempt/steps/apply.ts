import { isOf } from '../../faults/families.ts'
import { Fault, type FaultCode } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { Executor, ExecutorInput } from '../../ports/execution.ts'
import { type FailedChange, type ProposerResponse, rejectionsOf } from '../../ports/proposal.ts'
import type { WorkTree } from '../../ports/workspace.ts'
import { pullRequestTitle, workOrderTrailer } from '../../work-order/naming.ts'
import { asProviderPaused } from '../as-provider-paused.ts'
import { chooseExecutor, type ExecutorChoice, type Executors } from '../choose-executor.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Proposed } from './propose.ts'
import type { Routed } from './route.ts'

export type Applied = {
  headSha: string
  executor: Executor['name']
  /** Why this executor. */
  reason: string
  /** USD of the model calls the executor made. */
  costUsd: number
  /** How many answers of models the executor had. */
  answers: number
  /** Somebody has changed it since Moose pushed it: what it changes outside the scope is said, not refused. */
  byHand?: true
}

/** Why Aider is run a second time from the start. */
export type Previous = {
  /** The failure, as it is told of it. */
  failure: string
  /** The code of the last run's fault. */
  code: FaultCode
}

/** A repair of a commit that failed a check. */
export type Repairing = {
  by: 'proposer' | 'aider'
  /** Such as `repair 1 of 2: check "tests" failed`. */
  reason: string
  number: number
  told: FailedChange
}

/** One run of the step. */
export type Application = {
  /** The commit on which the change is made: the base, or in a repair the commit that failed. */
  onSha: string
  /** The answer that is applied. */
  response: ProposerResponse
  /** Null for the first run. */
  previous: Previous | null
  repair: Repairing | null
  /** How many answers the executor may ask for. */
  mostCalls: number
}

/**
 * Turns an answer into one commit, in a private workspace, and keeps it in the mirror.
 * The commit's dates are the claim's, so a repeated run makes the same commit.
 *
 * @throws {Fault} those of `Executor.apply`, where an outage of the model's provider is `provider_paused`;
 *   `change_without_effect`
 */
export async function apply(
  context: AttemptContext,
  done: { routed: Routed; proposed: Proposed },
  adapters: Pick<Adapters, 'executors' | 'workspaces'>,
  application: Application,
): Promise<Applied> {
  const { note } = context
  const { order, shortId } = done.routed
  const { previous, repair } = application
  if (previous !== null) await note(`Aider failed (${previous.code}); once more from the start`)
  // The model that made the change was asked under this reason before.
  if (repair?.by === 'aider') await note(repair.reason)
  const { executor, reason } = executorFor(adapters.executors, application)
  await using workspace = await openFor(context, done, adapters, { executor, application })
  const { costUsd, answers } = await faultPoint('apply', () =>
    executor.apply(inputOf(context, done, workspace, application)),
  ).catch((error: unknown) => {
    throw error instanceof Fault && isOf('outage', error.code) ? asProviderPaused(error, done.proposed.proposer) : error
  })
  const title = pullRequestTitle(shortId, order.title)
  const message = commitMessage(context, title, repair === null ? null : `Repair ${repair.number}`)
  const headSha = await faultPoint('commit', () => workspace.commit(message, context.claimedAt))
  if (headSha === null) {
    throw new Fault('change_without_effect', 'The proposal changes nothing. Describe the change more precisely.')
  }
  await note(`committed ${headSha.slice(0, 12)} with ${executor.name}${repair === null ? `: ${reason}` : ''}`)
  return { headSha, executor: executor.name, reason, costUsd, answers }
}

function executorFor(executors: Executors, { response, repair }: Application): ExecutorChoice {
  if (repair === null) return chooseExecutor(executors, response)
  return { executor: repair.by === 'aider' ? executors.aider : executors.patch, reason: repair.reason }
}

async function openFor(
  context: AttemptContext,
  { routed, proposed }: { routed: Routed; proposed: Proposed },
  { workspaces }: Pick<Adapters, 'workspaces'>,
  { executor, application }: { executor: Executor; application: Application },
): Promise<WorkTree> {
  const { workOrderId, attempt, signal } = context
  const { order, project } = routed
  const { baseSha } = proposed
  // Another home may have fetched the base; the mirror of this one may lack it.
  if (context.epoch > 0) await workspaces.bringBase(project, baseSha, signal)
  const request = { project, workOrderId, attempt, sha: application.onSha, signal }
  return await faultPoint('open_workspace', () =>
    executor.looksAt === 'scope'
      ? workspaces.openScoped({ ...request, scope: order.files_in_scope })
      : workspaces.open(application.repair === null ? request : { ...request, base: baseSha }),
  )
}

function inputOf(
  { workOrderId, attempt, signal, output, note }: AttemptContext,
  { routed: { order }, proposed: { proposer } }: { routed: Routed; proposed: Proposed },
  workspace: WorkTree,
  { response, previous, repair, mostCalls }: Application,
): ExecutorInput {
  return {
    workspace,
    content: response.content,
    scope: order.files_in_scope,
    signal,
    order,
    workOrderId,
    attempt,
    proposer,
    previousFailure: previous !== null ? previous.failure : repair === null ? lastRejection(response) : null,
    repair: repair === null ? null : repair.told,
    mostCalls,
    onOutput: output,
    onProgress: note,
  }
}

/** Why a proposal was not accepted as edits; null when it was not tried as edits. */
function lastRejection(response: ProposerResponse): string | null {
  const last = response.format === 'edits' ? undefined : rejectionsOf(response).at(-1)
  return last === undefined ? null : last
}

/** @param what what the commit is beside the change as it was proposed; null: it is that */
export function commitMessage(
  { workOrderId, attempt }: Pick<AttemptContext, 'workOrderId' | 'attempt'>,
  subject: string,
  what: string | null,
): string {
  const body = what === null ? '' : `${what}\n\n`
  return `${subject}\n\n${body}${workOrderTrailer(workOrderId, attempt)}\n`
}

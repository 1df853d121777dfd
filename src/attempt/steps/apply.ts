import { isOf } from '../../faults/families.ts'
import { Fault, type FaultCode } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { Executor } from '../../ports/execution.ts'
import type { ProposerResponse } from '../../ports/proposal.ts'
import { pullRequestTitle, workOrderTrailer } from '../../work-order/naming.ts'
import { asProviderPaused } from '../as-provider-paused.ts'
import { chooseExecutor } from '../choose-executor.ts'
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
  /** Somebody has changed it since Moose pushed it: what it changes outside the scope is said, not refused. */
  byHand?: true
}

/** Why the proposal is applied a second time. */
export type Previous = {
  /** The failure, as an executor that calls a model is told of it. */
  failure: string
  /** The code of the last run's fault. */
  code: FaultCode
  /** Whether a commit of this proposal failed a check. */
  failedCheck: boolean
}

/** How a proposal is applied. */
export type Application = {
  /** Null for the first run. */
  previous: Previous | null
  /** How many answers the executor may ask for; null: as many as one run may. */
  mostCalls: number | null
}

/**
 * Turns the proposal into one commit on the base, in a private workspace, and keeps it in the mirror.
 * The commit's dates are the claim's, so a repeated run makes the same commit.
 *
 * @throws {Fault} those of `Executor.apply`, where an outage of the model's provider is `provider_paused`;
 *   `change_without_effect`
 */
export async function apply(
  context: AttemptContext,
  done: { routed: Routed; proposed: Proposed },
  { executors, workspaces }: Pick<Adapters, 'executors' | 'workspaces'>,
  { previous, mostCalls }: Application,
): Promise<Applied> {
  const { workOrderId, attempt, signal, output, note } = context
  const { order, project, shortId } = done.routed
  const { baseSha, response, proposer } = done.proposed
  if (previous !== null) await note(againBecause(previous))
  const { executor, reason } = chooseExecutor(executors, response, previous?.failedCheck === true)
  // Another home may have fetched the base; the mirror of this one may lack it.
  if (context.epoch > 0) await workspaces.bringBase(project, baseSha, signal)
  const request = { project, workOrderId, attempt, sha: baseSha, signal }
  await using workspace = await faultPoint('open_workspace', () =>
    executor.looksAt === 'scope'
      ? workspaces.openScoped({ ...request, scope: order.files_in_scope })
      : workspaces.open(request),
  )
  const input = {
    workspace,
    content: response.content,
    scope: order.files_in_scope,
    signal,
    order,
    workOrderId,
    attempt,
    proposer,
    previousFailure: previous === null ? lastRejection(response) : previous.failure,
    mostCalls,
    onOutput: output,
    onProgress: note,
  }
  const { costUsd } = await faultPoint('apply', () => executor.apply(input)).catch((error: unknown) => {
    throw error instanceof Fault && isOf('outage', error.code) ? asProviderPaused(error, proposer) : error
  })
  const message = commitMessage(context, pullRequestTitle(shortId, order.title))
  const headSha = await faultPoint('commit', () => workspace.commit(message, context.claimedAt))
  if (headSha === null) {
    throw new Fault('change_without_effect', 'The proposal changes nothing. Describe the change more precisely.')
  }
  await note(`committed ${headSha.slice(0, 12)} with ${executor.name}: ${reason}`)
  return { headSha, executor: executor.name, reason, costUsd }
}

function againBecause({ code }: Previous): string {
  if (code === 'check_failed') return 'a check failed; Aider is asked to repair it'
  return `Aider failed (${code}); once more from the start`
}

/** Why a proposal was not accepted as edits; null when it was not tried as edits. */
function lastRejection({ format, refinement_metadata: refinement }: ProposerResponse): string | null {
  const last = format === 'edits' ? undefined : refinement?.rejections.at(-1)
  return last === undefined ? null : last
}

function commitMessage({ workOrderId, attempt }: AttemptContext, subject: string): string {
  return `${subject}\n\n${workOrderTrailer(workOrderId, attempt)}\n`
}

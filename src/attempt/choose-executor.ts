import { toFault } from '../faults/fault.ts'
import type { Executor } from '../ports/execution.ts'
import type { ProposerResponse, WantedAnswer } from '../ports/proposal.ts'

/** The executors there are, and which of them the operator wants. */
export type Executors = Readonly<Record<Executor['name'], Executor>> & { readonly wanted: Executor['name'] | 'auto' }

/** What the choice of an executor says for itself, in the step's record and in the pull request. */
export type ExecutorChoice = { executor: Executor; reason: string }

/**
 * What the operator wants every order to be applied with must be there; `auto` needs nothing until it is chosen.
 *
 * @throws {Fault} `command_missing` with how to install it
 */
export async function assertWantedReady(executors: Executors): Promise<void> {
  if (executors.wanted !== 'auto') await executors[executors.wanted].assertReady()
}

/** Whether `auto` may use Aider; a machine without Aider applies edits only. */
export async function mayUseAider({ wanted, aider }: Executors): Promise<boolean> {
  if (wanted !== 'auto') return false
  try {
    await aider.assertReady()
    return true
  } catch (error) {
    if (toFault(error).code === 'command_missing') return false
    throw error
  }
}

/** What a Proposer may answer, so that one of the executors can apply it. */
export async function wantedAnswer(executors: Executors): Promise<WantedAnswer> {
  if (await mayUseAider(executors)) return 'edits_or_text'
  return executors.wanted === 'aider' ? 'text' : 'edits'
}

/**
 * `auto`: edits that were seen to apply are applied as they are; what is free text, does not apply or has failed a
 * check needs Aider.
 *
 * @param isRepair whether a commit of this proposal has failed a check
 */
export function chooseExecutor(
  { wanted, patch, aider }: Executors,
  { format, refinement_metadata: refinement }: ProposerResponse,
  isRepair: boolean,
): ExecutorChoice {
  if (wanted !== 'auto') return { executor: { patch, aider }[wanted], reason: `ORCHESTRATOR_EXECUTOR=${wanted}` }
  if (isRepair) return { executor: aider, reason: 'the proposal, applied as it is, failed a check' }
  if (format === 'edits') return { executor: patch, reason: 'the proposal is edits that apply to the base commit' }
  const rejected = refinement === undefined ? 0 : refinement.rejections.length
  if (rejected === 0) return { executor: aider, reason: 'the proposal is free text, not edits' }
  return { executor: aider, reason: `the proposal does not apply to the base commit, after ${rejected} tries` }
}

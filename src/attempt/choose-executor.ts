import { toFault } from '../faults/fault.ts'
import type { Executor } from '../ports/execution.ts'
import { type ProposerResponse, rejectionsOf, type WantedAnswer } from '../ports/proposal.ts'

/** The executors there are, and which of them the operator wants. */
export type Executors = Readonly<Record<Executor['name'], Executor>> & { readonly wanted: Executor['name'] | 'auto' }

/** The executor and the reason for it, as the step's record and the pull request show it. */
export type ExecutorChoice = { executor: Executor; reason: string }

/**
 * Checks that the executor the operator set for every order is installed; `auto` requires none.
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
 * Chooses for `auto`: `patch` for edits that apply; Aider for free text and for edits that do not apply. Any other setting is
 * used as it is.
 */
export function chooseExecutor({ wanted, patch, aider }: Executors, response: ProposerResponse): ExecutorChoice {
  if (wanted !== 'auto') return { executor: { patch, aider }[wanted], reason: `ORCHESTRATOR_EXECUTOR=${wanted}` }
  if (response.format === 'edits')
    return { executor: patch, reason: 'the proposal is edits that apply to the base commit' }
  const rejected = rejectionsOf(response).length
  if (rejected === 0) return { executor: aider, reason: 'the proposal is free text, not edits' }
  return { executor: aider, reason: `the proposal does not apply to the base commit, after ${rejected} tries` }
}

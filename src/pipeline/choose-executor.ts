import type { Executor } from './ports/execution.ts'
import type { ProposerResponse } from './ports/proposal.ts'

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

/** `auto`: edits that were seen to apply are applied as they are; free text needs Aider to make edits of it. */
export function chooseExecutor({ wanted, patch, aider }: Executors, { format }: ProposerResponse): ExecutorChoice {
  if (wanted !== 'auto') return { executor: { patch, aider }[wanted], reason: `ORCHESTRATOR_EXECUTOR=${wanted}` }
  if (format === 'edits') return { executor: patch, reason: 'the proposal is edits that apply to the base commit' }
  return { executor: aider, reason: 'the proposal is free text, not edits that apply to the base commit' }
}

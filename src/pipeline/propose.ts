import type { Adapters, AttemptContext } from './attempt-context.ts'
import type { ProposerResponse } from './ports/proposal.ts'
import type { Routed } from './route.ts'

export type Proposed = { baseSha: string; response: ProposerResponse }

/**
 * Pins the base commit and has the change generated against the files it really has there.
 *
 * @param onBase told of the commit before anything is paid for
 */
export async function propose(
  context: AttemptContext,
  { order, project, decision }: Routed,
  { proposer, workspaces, buildProposerRequest }: Pick<Adapters, 'proposer' | 'workspaces' | 'buildProposerRequest'>,
  onBase: (baseSha: string) => Promise<void>,
): Promise<Proposed> {
  const baseSha = await workspaces.fetchBase(project, context.signal)
  await onBase(baseSha)
  await context.note(`base is ${project.defaultBranch} at ${baseSha.slice(0, 12)}`)
  const response = await proposer.propose({
    workOrderId: context.workOrderId,
    attempt: context.attempt,
    title: order.title,
    request: buildProposerRequest(order),
    proposer: decision.selected_proposer,
    base: workspaces.tree(project, baseSha),
    signal: context.signal,
    onProgress: context.note,
  })
  return { baseSha, response }
}

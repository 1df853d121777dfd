import type { Adapters, AttemptContext } from './attempt-context.ts'
import { wantedAnswer } from './choose-executor.ts'
import type { ProposerResponse } from './ports/proposal.ts'
import type { Routed } from './route.ts'

export type Proposed = {
  baseSha: string
  /** The name in `proposer_configs` that was asked. */
  proposer: string
  response: ProposerResponse
}

/**
 * Pins the base commit and has the change generated against the files it really has there.
 *
 * @param asked the name in `proposer_configs`: the Manager's choice, of the routing or of a retry
 * @param onBase told of the commit before anything is paid for
 */
export async function propose(
  context: AttemptContext,
  { order, project }: Routed,
  {
    proposer,
    workspaces,
    executors,
    buildProposerRequest,
  }: Pick<Adapters, 'proposer' | 'workspaces' | 'executors' | 'buildProposerRequest'>,
  { asked, onBase }: { asked: string; onBase: (baseSha: string) => Promise<void> },
): Promise<Proposed> {
  const baseSha = await workspaces.fetchBase(project, context.signal)
  await onBase(baseSha)
  await context.note(`base is ${project.defaultBranch} at ${baseSha.slice(0, 12)}`)
  const response = await proposer.propose({
    workOrderId: context.workOrderId,
    attempt: context.attempt,
    title: order.title,
    request: buildProposerRequest(order),
    proposer: asked,
    base: workspaces.tree(project, baseSha),
    wanted: await wantedAnswer(executors),
    signal: context.signal,
    onProgress: context.note,
  })
  return { baseSha, proposer: asked, response }
}

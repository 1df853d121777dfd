import { faultPoint } from '../../faults/fault-point.ts'
import type { ProposerResponse } from '../../ports/proposal.ts'
import type { RoutingDecision } from '../../ports/routing.ts'
import { wantedAnswer } from '../choose-executor.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import { refuseMistakenScope } from '../mistaken-scope.ts'
import type { Routed } from './route.ts'

export type Proposed = {
  baseSha: string
  /** The name in `proposer_configs` that was asked. */
  proposer: string
  response: ProposerResponse
  /** Null: whoever was to be asked answered. */
  failover: Failover | null
}

/** Why somebody else made a proposal. */
export type Failover = {
  /** Who should have. */
  instead_of: string
  /** The outage, as it was told. */
  because: string
  /** By which the one who took over was chosen. */
  decision: RoutingDecision
}

/** What one proposal is asked for with. */
export type ProposeOptions = {
  /** The name in `proposer_configs`: the Manager's choice, of the routing, of a retry or of a failover. */
  asked: string
  /** What the model is told about an earlier try; null: nothing. */
  previousFailure: string | null
  /** Told of the commit before anything is paid for. */
  onBase: (baseSha: string) => Promise<void>
}

/**
 * Pins the base commit and has the change generated against the files it really has there.
 *
 * @throws {Fault} `work_order_invalid` for a scope that does not fit the base, those of `Workspaces.fetchBase` and of
 *   `Proposer.propose`
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
  { asked, previousFailure, onBase }: ProposeOptions,
): Promise<Omit<Proposed, 'failover'>> {
  const baseSha = await faultPoint('fetch_base', () => workspaces.fetchBase(project, context.signal))
  await onBase(baseSha)
  await context.note(`base is ${project.defaultBranch} at ${baseSha.slice(0, 12)}`)
  const base = workspaces.tree(project, baseSha)
  await refuseMistakenScope(base, order.files_in_scope)
  const response = await proposer.propose({
    workOrderId: context.workOrderId,
    attempt: context.attempt,
    title: order.title,
    request: buildProposerRequest(order),
    proposer: asked,
    base,
    wanted: await wantedAnswer(executors),
    previousFailure,
    signal: context.signal,
    onProgress: context.note,
  })
  return { baseSha, proposer: asked, response }
}

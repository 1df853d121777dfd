import { Fault, NEXT_MOVE } from '../faults/fault.ts'
import { isOutage } from '../faults/outage.ts'
import type { RoutingDecision } from '../ports/routing.ts'
import { asProviderPaused } from './as-provider-paused.ts'
import type { Adapters, AttemptContext } from './context.ts'
import { type Failover, type Proposed, type ProposeOptions, propose } from './steps/propose.ts'
import type { Routed } from './steps/route.ts'

export type OnDecision = (decision: RoutingDecision) => Promise<void>

/**
 * Has one proposer propose. While its provider has an outage, the Manager is asked again, who names nobody whose
 * provider is paused and nobody who is not able; where that leaves nobody, the order waits.
 *
 * @param failed proposers whose proposals have failed in this attempt: none of them takes over
 * @param onDecision told of the decision that the calls from here on are made by
 * @throws {Fault} `provider_paused`; those of `propose`, with who was asked in `tried_by`
 */
export async function proposePastOutages(
  context: AttemptContext,
  routed: Routed,
  adapters: Adapters,
  { failed, onDecision, ...asking }: ProposeOptions & { failed: ReadonlySet<string>; onDecision: OnDecision },
): Promise<Proposed> {
  const out = new Set(failed)
  let { asked } = asking
  let failover: Failover | null = null
  // One that takes over in a try before this, or before the attempt rested, may have left its own.
  if (asked === routed.decision.selected_proposer) await onDecision(routed.decision)
  for (;;) {
    try {
      return { ...(await propose(context, routed, adapters, { ...asking, asked })), failover }
    } catch (error) {
      // What is no Fault is named by the step: a lost database is nobody's failed proposal.
      if (!(error instanceof Fault)) throw error
      if (!isOutage(error.code)) throw triedBy(asked, error)
      out.add(asked)
      const decision = await whoTakesOver(context, routed, adapters, { waiting: asProviderPaused(error, asked), out })
      await context.note(`${error.message} ${decision.selected_proposer} takes over: ${decision.reason}`)
      await onDecision(decision)
      failover = { instead_of: asking.asked, because: error.message, decision }
      asked = decision.selected_proposer
    }
  }
}

/** @throws {Fault} `waiting` when nobody does, or what stops the order anyway */
async function whoTakesOver(
  { workOrderId, signal, note }: AttemptContext,
  { order }: Routed,
  { manager, buildRoutingRequest }: Pick<Adapters, 'manager' | 'buildRoutingRequest'>,
  { waiting, out }: { waiting: Fault; out: ReadonlySet<string> },
): Promise<RoutingDecision> {
  const decision = await manager.route(buildRoutingRequest(workOrderId, order), signal).catch((error: unknown) => {
    if (!(error instanceof Fault) || isOfOrder(error)) throw error
    return null
  })
  if (decision !== null && !out.has(decision.selected_proposer)) return decision
  await note('no other proposer that is able can be called; the order waits')
  throw waiting
}

/** A Manager that cannot answer is no reason to fail an order that only has to wait. */
function isOfOrder(fault: Fault): boolean {
  const move = NEXT_MOVE[fault.code]
  return move === 'stop' || (move === 'suspend' && !isOutage(fault.code))
}

function triedBy(proposer: string, fault: Fault): Fault {
  return new Fault(fault.code, fault.message, { ...fault.details, tried_by: proposer }, fault)
}

import type { CameOfReview } from '../contract/evidence/follow-up.ts'
import type { Repair } from '../contract/evidence/repair.ts'
import type { PullRequest } from '../ports/pull-request.ts'
import type { RoutingDecision } from '../ports/routing.ts'
import type { Sanitize } from '../redaction/sanitize-output.ts'
import type { Applied } from './steps/apply.ts'
import type { Proposed } from './steps/propose.ts'
import type { Routed } from './steps/route.ts'
import type { Verified } from './steps/verify.ts'

/** The outcomes of the steps before publishing. */
export type Evidence = {
  routed: Routed
  proposed: Omit<Proposed, 'told'>
  applied: Applied
  verified: Verified
  /** Oldest first. */
  repairs: readonly Repair[]
  /** Of those, what this attempt made of a conflict. */
  resolution?: readonly Repair[]
  /** Of one that does what a review asks for. `since`: the commit on which the model's own is made. */
  review?: { since: string; came: CameOfReview }
}

/** The outcomes of an attempt that may have ended early: those after its end are missing. */
export type PartialEvidence = { [Part in keyof Evidence]?: Evidence[Part] }

export type AttemptEnd = {
  workOrderId: string
  attempt: number
  evidence: PartialEvidence
}

export type Success = AttemptEnd & { evidence: Evidence; pullRequest: PullRequest }

/**
 * Evidence as it is recorded, with sanitized texts. What is learned from later, the chosen proposer and the files,
 * stays exact.
 */
export function shownEvidence<Parts extends PartialEvidence>(evidence: Parts, sanitize: Sanitize): Parts {
  const { routed, proposed } = evidence
  return {
    ...sanitize(evidence),
    ...(routed === undefined ? {} : { routed: shownRouted(routed, sanitize) }),
    ...(proposed === undefined ? {} : { proposed: shownProposed(proposed, sanitize) }),
  }
}

function shownRouted({ order, decision, ...routed }: Routed, sanitize: Sanitize): Routed {
  return { ...routed, order, decision: shownDecision(decision, sanitize) }
}

function shownProposed({ failover, ...proposed }: Evidence['proposed'], sanitize: Sanitize): Evidence['proposed'] {
  const shown =
    failover === null ? null : { ...sanitize(failover), decision: shownDecision(failover.decision, sanitize) }
  return { ...sanitize(proposed), failover: shown }
}

function shownDecision(decision: RoutingDecision, sanitize: Sanitize): RoutingDecision {
  return { ...sanitize(decision), selected_proposer: decision.selected_proposer }
}

import type { FaultCode } from '../faults/fault.ts'
import type { PullRequest } from '../ports/pull-request.ts'
import type { RoutingDecision } from '../ports/routing.ts'
import type { Sanitize } from '../redaction/sanitize-output.ts'
import type { Evidence } from './evidence.ts'
import type { Proposed } from './steps/propose.ts'
import type { Routed } from './steps/route.ts'

/** Steps of an attempt. */
export type StepName = 'route' | 'propose' | 'apply' | 'verify' | 'publish' | 'record'

/** What a finished attempt has to show; parts are missing from where it ended. */
export type PartialEvidence = { [Part in keyof Evidence]?: Evidence[Part] }

export type AttemptEnd = {
  workOrderId: string
  attempt: number
  evidence: PartialEvidence
}

export type Success = AttemptEnd & { evidence: Evidence; pullRequest: PullRequest }

/**
 * Evidence as it is recorded: its words are for showing. What is learned from it later, who was chosen and which files
 * there are, is as it was.
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

function shownProposed({ failover, ...proposed }: Proposed, sanitize: Sanitize): Proposed {
  const shown =
    failover === null ? null : { ...sanitize(failover), decision: shownDecision(failover.decision, sanitize) }
  return { ...sanitize(proposed), failover: shown }
}

function shownDecision(decision: RoutingDecision, sanitize: Sanitize): RoutingDecision {
  return { ...sanitize(decision), selected_proposer: decision.selected_proposer }
}

/** The seed's `stage` of a failure (4.7); `verify` and a step of ours beside `aider` are new. */
export const STAGE = {
  route: 'routing',
  propose: 'proposer',
  apply: 'executor',
  verify: 'verify',
  publish: 'github',
  record: 'record',
} as const satisfies Record<StepName, string>

export function isStepName(name: string): name is StepName {
  return Object.hasOwn(STAGE, name)
}

/** Codes the first Moose's `failure_class` has a name for; every other one is an `orchestration_error`. */
const FAILURE_CLASS: { readonly [Code in FaultCode]?: string } = {
  aider_out_of_scope: 'contract_violation',
  aider_timed_out: 'timeout',
  check_failed: 'test_fail',
  change_out_of_scope: 'contract_violation',
  command_missing: 'dependency_missing',
  command_timed_out: 'timeout',
  model_timed_out: 'timeout',
}

export function failureClass(code: FaultCode): string {
  const known = FAILURE_CLASS[code]
  return known === undefined ? 'orchestration_error' : known
}

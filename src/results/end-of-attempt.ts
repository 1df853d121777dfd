import type { FaultCode } from '../errors.ts'
import type { Evidence } from '../pipeline/evidence.ts'
import type { PullRequest } from '../pipeline/ports/pull-request.ts'

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

/** The seed's `stage` of a failure (4.7); `verify` and a step of ours beside `aider` are new. */
export const STAGE = {
  route: 'routing',
  propose: 'proposer',
  apply: 'executor',
  verify: 'verify',
  publish: 'github',
  record: 'record',
} as const satisfies Record<StepName, string>

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

import { type FaultCode, isFaultCode } from './fault.ts'

/** What several codes have in common, where code asks for that and not for one code. */
export type FaultFamily =
  /** It says something about the work of the model; outages, cancellations and faults of the machine or the order do not. */
  | 'model_work'
  /** A failed proposal: the Manager is asked which proposer tries next. */
  | 'other_proposer'
  /** The same model would give the same result again. */
  | 'same_again'
  /** Another run of Aider, told of this one, may succeed. */
  | 'aider_again'
  /** The model can correct its answer when it is told the reason. */
  | 'correctable'
  /** The provider could not be reached, or is paused because of that. It is no failed try. */
  | 'outage'
  /** A call was made and the provider could not be reached. */
  | 'outage_met'
  /** The message repeats what the operating system said, such as that the disk is full. */
  | 'repeats_the_system'
  /** The same request succeeds once the service has been started again. */
  | 'passes'

/** The `failure_class` of an outcome; the names are the first Moose's. */
export type FailureClass = 'contract_violation' | 'dependency_missing' | 'orchestration_error' | 'test_fail' | 'timeout'

type Kinship = { failureClass: FailureClass; families: readonly FaultFamily[] }

/** The families of every code. A new code does not compile until it stands here. */
const KINSHIP: Readonly<Record<FaultCode, Kinship>> = {
  aider_config_refused: { failureClass: 'orchestration_error', families: [] },
  aider_context_overflow: { failureClass: 'orchestration_error', families: ['model_work'] },
  aider_crashed: { failureClass: 'orchestration_error', families: ['aider_again'] },
  aider_git_off: { failureClass: 'orchestration_error', families: [] },
  aider_malformed_edits: { failureClass: 'orchestration_error', families: ['model_work', 'aider_again'] },
  aider_no_change: { failureClass: 'orchestration_error', families: ['model_work', 'aider_again'] },
  aider_out_of_scope: { failureClass: 'contract_violation', families: ['model_work', 'aider_again'] },
  aider_partial: { failureClass: 'orchestration_error', families: ['model_work', 'aider_again'] },
  aider_timed_out: { failureClass: 'timeout', families: ['model_work', 'aider_again'] },
  approval_withdrawn: { failureClass: 'orchestration_error', families: [] },
  attempt_cancelled: { failureClass: 'orchestration_error', families: [] },
  attempt_taken_over: { failureClass: 'orchestration_error', families: [] },
  attempt_unstable: { failureClass: 'orchestration_error', families: [] },
  base_branch_missing: { failureClass: 'orchestration_error', families: [] },
  branch_taken: { failureClass: 'orchestration_error', families: [] },
  budget_exceeded: { failureClass: 'orchestration_error', families: [] },
  change_out_of_scope: { failureClass: 'contract_violation', families: ['model_work', 'correctable'] },
  change_without_effect: { failureClass: 'orchestration_error', families: ['model_work', 'correctable'] },
  check_failed: { failureClass: 'test_fail', families: ['model_work'] },
  checks_invalid: { failureClass: 'orchestration_error', families: [] },
  command_failed: { failureClass: 'orchestration_error', families: ['repeats_the_system'] },
  command_missing: { failureClass: 'dependency_missing', families: [] },
  command_timed_out: { failureClass: 'timeout', families: [] },
  config_invalid: { failureClass: 'orchestration_error', families: [] },
  database_binaries_missing: { failureClass: 'orchestration_error', families: [] },
  database_refused: { failureClass: 'orchestration_error', families: [] },
  database_schema_newer: { failureClass: 'orchestration_error', families: [] },
  database_unreachable: { failureClass: 'orchestration_error', families: ['passes'] },
  disk_full: { failureClass: 'orchestration_error', families: [] },
  edits_malformed: { failureClass: 'orchestration_error', families: ['model_work', 'correctable'] },
  edits_missing: { failureClass: 'orchestration_error', families: ['model_work', 'correctable'] },
  edits_rejected: { failureClass: 'orchestration_error', families: ['model_work', 'correctable'] },
  emergency_stop: { failureClass: 'orchestration_error', families: [] },
  files_in_scope_required: { failureClass: 'orchestration_error', families: [] },
  forge_unsupported: { failureClass: 'orchestration_error', families: [] },
  github_failed: { failureClass: 'orchestration_error', families: [] },
  github_forbidden: { failureClass: 'orchestration_error', families: [] },
  github_not_found: { failureClass: 'orchestration_error', families: [] },
  github_rate_limited: { failureClass: 'orchestration_error', families: [] },
  github_unauthorized: { failureClass: 'orchestration_error', families: [] },
  github_unreachable: { failureClass: 'orchestration_error', families: [] },
  home_owned: { failureClass: 'orchestration_error', families: [] },
  internal: { failureClass: 'orchestration_error', families: ['repeats_the_system'] },
  ledger_unsound: { failureClass: 'orchestration_error', families: [] },
  manager_refused: { failureClass: 'orchestration_error', families: [] },
  manager_unreachable: { failureClass: 'orchestration_error', families: [] },
  merge_conflict: { failureClass: 'orchestration_error', families: [] },
  model_answer_refused: {
    failureClass: 'orchestration_error',
    families: ['model_work', 'other_proposer', 'same_again', 'aider_again'],
  },
  model_answer_truncated: {
    failureClass: 'orchestration_error',
    families: ['model_work', 'other_proposer', 'same_again', 'aider_again'],
  },
  model_call_rejected: { failureClass: 'orchestration_error', families: ['other_proposer', 'same_again'] },
  model_key_missing: { failureClass: 'orchestration_error', families: [] },
  model_key_rejected: { failureClass: 'orchestration_error', families: [] },
  model_overloaded: { failureClass: 'orchestration_error', families: ['outage', 'outage_met'] },
  model_timed_out: { failureClass: 'timeout', families: ['outage', 'outage_met'] },
  model_unknown: { failureClass: 'orchestration_error', families: [] },
  no_able_proposer: { failureClass: 'orchestration_error', families: [] },
  not_found: { failureClass: 'orchestration_error', families: [] },
  not_running: { failureClass: 'orchestration_error', families: ['passes'] },
  port_taken: { failureClass: 'orchestration_error', families: [] },
  price_unknown: { failureClass: 'orchestration_error', families: [] },
  project_required: { failureClass: 'orchestration_error', families: [] },
  proposal_rejected: { failureClass: 'orchestration_error', families: ['model_work', 'other_proposer'] },
  proposer_refused: { failureClass: 'orchestration_error', families: ['other_proposer'] },
  proposer_unreachable: { failureClass: 'orchestration_error', families: [] },
  provider_busy: { failureClass: 'orchestration_error', families: [] },
  provider_paused: { failureClass: 'orchestration_error', families: ['outage'] },
  pull_request_closed: { failureClass: 'orchestration_error', families: [] },
  push_rejected: { failureClass: 'orchestration_error', families: [] },
  reasoning_unclear: { failureClass: 'orchestration_error', families: ['model_work', 'aider_again', 'correctable'] },
  recording_missing: { failureClass: 'orchestration_error', families: [] },
  repository_refused: { failureClass: 'orchestration_error', families: [] },
  repository_unreachable: { failureClass: 'orchestration_error', families: ['repeats_the_system'] },
  request_forbidden: { failureClass: 'orchestration_error', families: [] },
  request_invalid: { failureClass: 'orchestration_error', families: [] },
  reservation_conflict: { failureClass: 'orchestration_error', families: [] },
  revision_stuck: { failureClass: 'orchestration_error', families: [] },
  scope_too_large: { failureClass: 'orchestration_error', families: [] },
  scope_unreadable: { failureClass: 'orchestration_error', families: [] },
  secret_in_change: { failureClass: 'orchestration_error', families: [] },
  service_unreachable: { failureClass: 'orchestration_error', families: ['passes'] },
  too_many_streams: { failureClass: 'orchestration_error', families: [] },
  webhook_refused: { failureClass: 'orchestration_error', families: [] },
  work_order_busy: { failureClass: 'orchestration_error', families: [] },
  work_order_conflict: { failureClass: 'orchestration_error', families: [] },
  work_order_invalid: { failureClass: 'orchestration_error', families: [] },
  work_order_not_approved: { failureClass: 'orchestration_error', families: [] },
  work_order_not_found: { failureClass: 'orchestration_error', families: [] },
}

/** Whether a code, which may be that of a foreign service or of a newer version, belongs to a family. */
export function isOf(family: FaultFamily, code: string): boolean {
  return isFaultCode(code) && KINSHIP[code].families.includes(family)
}

/** The codes of a family, in alphabetical order. */
export function codesOf(family: FaultFamily): FaultCode[] {
  return Object.keys(KINSHIP).filter((code): code is FaultCode => isOf(family, code))
}

export function failureClass(code: FaultCode): FailureClass {
  return KINSHIP[code].failureClass
}

import { type FaultCode, isFaultCode } from './fault.ts'

/** What several codes have in common, where code asks for that and not for one code. */
export type FaultFamily =
  /** It says something about the work of the model; outages, cancellations and faults of the machine or the order do not. */
  | 'model_work'
  /** A failed proposal: the Manager is asked which proposer tries next. */
  | 'other_proposer'
  /** The same model would give the same result again, or has been told of it already. */
  | 'same_again'
  /** Another run of Aider, told of this one, may succeed. */
  | 'aider_again'
  /** The model can correct its answer when it is told the reason. */
  | 'correctable'
  /** The provider could not be reached, does not accept the calls of the account, or is paused for that. It is no failed try. */
  | 'outage'
  /** A call was made and met one of these. */
  | 'outage_met'
  /** The message repeats what the operating system said, such as that the disk is full. */
  | 'repeats_the_system'
  /** The same request succeeds once the service has been started again. */
  | 'passes'
  /** The project cannot be checked as it is, whatever the model does: found before it is asked, and no outcome of it. */
  | 'set_up'
  /** A commit that ended so is not kept to be verified again: no check could make it right, or nobody wants it. */
  | 'worthless'
  /** No answer of a model is to blame for it: a further attempt takes those that are there again, and pays for none twice. */
  | 'keeps_answers'
  /** A human or a process was the cause: it says nothing of the orders that come next. */
  | 'no_pattern'

/** The `failure_class` of an outcome; the names are the first Moose's. A code without one is an `orchestration_error`. */
const FAILURE_CLASSES = ['contract_violation', 'dependency_missing', 'test_fail', 'timeout'] as const
type FailureClass = (typeof FAILURE_CLASSES)[number]

/** The families of every code, and its failure class. A new code does not compile until it stands here. */
const FAMILIES: Readonly<Record<FaultCode, readonly (FaultFamily | FailureClass)[]>> = {
  aider_config_refused: [],
  aider_context_overflow: ['model_work'],
  aider_crashed: ['aider_again'],
  aider_git_off: [],
  aider_malformed_edits: ['model_work', 'aider_again'],
  aider_no_change: ['model_work', 'aider_again'],
  aider_out_of_scope: ['model_work', 'aider_again', 'contract_violation'],
  aider_partial: ['model_work', 'aider_again'],
  aider_timed_out: ['model_work', 'aider_again', 'timeout'],
  approval_withdrawn: ['keeps_answers', 'no_pattern'],
  attempt_cancelled: ['keeps_answers', 'worthless'],
  attempt_taken_over: ['keeps_answers'],
  attempt_unstable: ['no_pattern'],
  audit_broken: ['keeps_answers'],
  base_branch_missing: ['keeps_answers'],
  branch_taken: ['keeps_answers'],
  budget_exceeded: ['keeps_answers'],
  change_out_of_scope: ['model_work', 'correctable', 'contract_violation', 'worthless'],
  change_without_effect: ['model_work', 'correctable', 'worthless'],
  check_failed: ['model_work', 'test_fail'],
  checks_invalid: ['set_up'],
  child_limit: ['set_up'],
  command_failed: ['repeats_the_system'],
  command_missing: ['dependency_missing'],
  command_timed_out: ['timeout'],
  config_invalid: ['keeps_answers'],
  database_binaries_missing: ['keeps_answers'],
  database_refused: ['keeps_answers'],
  database_schema_newer: ['keeps_answers'],
  database_unreachable: ['passes', 'keeps_answers'],
  dependency_unmet: ['keeps_answers', 'no_pattern'],
  disk_full: ['keeps_answers'],
  edits_malformed: ['model_work', 'correctable'],
  edits_missing: ['model_work', 'correctable'],
  edits_rejected: ['model_work', 'correctable'],
  emergency_stop: ['keeps_answers'],
  files_in_scope_required: [],
  follow_up_exhausted: [],
  forge_unsupported: ['keeps_answers'],
  github_failed: ['keeps_answers'],
  github_forbidden: ['keeps_answers'],
  github_not_found: ['keeps_answers'],
  github_rate_limited: ['keeps_answers'],
  github_unauthorized: ['keeps_answers'],
  github_unreachable: ['keeps_answers'],
  home_owned: ['keeps_answers', 'no_pattern'],
  internal: ['repeats_the_system'],
  ledger_unsound: ['keeps_answers'],
  machine_out_of_memory: [],
  manager_refused: ['keeps_answers'],
  manager_unreachable: ['keeps_answers'],
  merge_conflict: [],
  merge_held: [],
  model_answer_refused: ['model_work', 'other_proposer', 'same_again', 'aider_again'],
  model_answer_truncated: ['model_work', 'other_proposer', 'same_again', 'aider_again'],
  model_call_rejected: ['other_proposer', 'same_again'],
  model_host_refused: ['keeps_answers'],
  model_key_missing: ['keeps_answers'],
  model_key_rejected: ['outage', 'outage_met', 'keeps_answers'],
  model_overloaded: ['outage', 'outage_met', 'keeps_answers'],
  model_timed_out: ['outage', 'outage_met', 'timeout', 'keeps_answers'],
  model_unknown: ['keeps_answers'],
  no_able_proposer: ['keeps_answers'],
  not_found: [],
  not_running: ['passes'],
  port_taken: [],
  price_unknown: ['keeps_answers'],
  project_required: ['keeps_answers'],
  proposal_rejected: ['model_work', 'other_proposer', 'same_again'],
  proposer_refused: ['other_proposer'],
  proposer_unreachable: ['keeps_answers'],
  protected_change: [],
  provider_busy: ['keeps_answers'],
  provider_paused: ['outage', 'keeps_answers'],
  pull_request_closed: [],
  pull_request_lost: [],
  push_rejected: ['keeps_answers'],
  reasoning_unclear: ['model_work', 'aider_again', 'correctable'],
  recording_missing: [],
  repository_refused: ['keeps_answers'],
  repository_unreachable: ['repeats_the_system', 'keeps_answers'],
  request_forbidden: [],
  request_invalid: [],
  reservation_conflict: [],
  revision_stuck: ['keeps_answers', 'no_pattern'],
  sandbox_unavailable: ['set_up', 'dependency_missing', 'keeps_answers'],
  scope_missing: [],
  scope_too_large: [],
  scope_unreadable: [],
  secret_in_change: ['worthless'],
  secret_in_prompt: [],
  service_unreachable: ['passes', 'keeps_answers'],
  setup_failed: ['set_up', 'dependency_missing'],
  signing_key_unusable: ['keeps_answers'],
  token_exists: [],
  too_many_requests: [],
  too_many_streams: [],
  unauthenticated: [],
  webhook_refused: [],
  work_order_busy: [],
  work_order_conflict: [],
  work_order_invalid: [],
  work_order_not_approved: ['keeps_answers', 'no_pattern'],
  work_order_not_found: [],
}

/** Whether a code, which may be that of a foreign service or of a newer version, belongs to a family. */
export function isOf(family: FaultFamily, code: string): boolean {
  return isFaultCode(code) && FAMILIES[code].includes(family)
}

/** The codes of a family, in alphabetical order. */
export function codesOf(family: FaultFamily): FaultCode[] {
  return Object.keys(FAMILIES).filter((code): code is FaultCode => isOf(family, code))
}

export function failureClass(code: FaultCode): FailureClass | 'orchestration_error' {
  const known = FAILURE_CLASSES.find((name) => FAMILIES[code].includes(name))
  return known === undefined ? 'orchestration_error' : known
}

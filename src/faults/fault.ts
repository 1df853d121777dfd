/**
 * The one error class of Moose, and the one table that says what follows from each of its codes.
 *
 * A code is a stable name scripts may rely on. What a person reads is the message: what happened, why, and what to
 * type next. What a program reads are the flat `details`.
 */

/** What the orchestrator does with an order whose attempt ended in a fault. */
export type NextMove =
  /** The same step is worth repeating unchanged after a pause; the cause is outside and passes. */
  | 'retry'
  /** A human or a condition is needed; the order becomes `blocked`. */
  | 'block'
  /**
   * A condition is needed and Moose notices when it is met: the order becomes `blocked`, and later the same
   * attempt is resumed at the step where it was suspended.
   */
  | 'suspend'
  /** The attempt is over and the order becomes `failed`. */
  | 'fail'
  /** The attempt was stopped on purpose; the order is `cancelled` already. */
  | 'stop'
  /** Another process carries the attempt out: this one writes nothing more about it. */
  | 'leave'

/** Every fault code with what follows from it. A new code does not compile until it stands here. */
export const NEXT_MOVE = {
  aider_config_refused: 'fail',
  aider_context_overflow: 'fail',
  aider_crashed: 'fail',
  aider_git_off: 'fail',
  aider_malformed_edits: 'fail',
  aider_no_change: 'fail',
  aider_out_of_scope: 'fail',
  aider_partial: 'fail',
  aider_timed_out: 'fail',
  approval_withdrawn: 'block',
  attempt_cancelled: 'stop',
  attempt_taken_over: 'leave',
  attempt_unstable: 'block',
  audit_broken: 'block',
  base_branch_missing: 'block',
  branch_taken: 'fail',
  budget_exceeded: 'suspend',
  change_out_of_scope: 'fail',
  change_without_effect: 'fail',
  check_failed: 'fail',
  checks_invalid: 'block',
  child_limit: 'block',
  command_failed: 'fail',
  command_missing: 'block',
  command_timed_out: 'fail',
  config_invalid: 'block',
  database_binaries_missing: 'block',
  database_refused: 'block',
  database_schema_newer: 'block',
  database_unreachable: 'retry',
  dependency_unmet: 'block',
  disk_full: 'suspend',
  edits_malformed: 'fail',
  edits_missing: 'fail',
  edits_rejected: 'fail',
  emergency_stop: 'suspend',
  files_in_scope_required: 'fail',
  follow_up_exhausted: 'block',
  forge_unsupported: 'block',
  github_failed: 'fail',
  github_forbidden: 'block',
  github_not_found: 'block',
  github_rate_limited: 'retry',
  github_unauthorized: 'block',
  github_unreachable: 'retry',
  home_owned: 'block',
  internal: 'fail',
  ledger_unsound: 'suspend',
  machine_out_of_memory: 'retry',
  manager_refused: 'block',
  manager_unreachable: 'retry',
  merge_conflict: 'block',
  merge_held: 'fail',
  model_answer_refused: 'fail',
  model_answer_truncated: 'fail',
  model_call_rejected: 'fail',
  model_host_refused: 'block',
  model_key_missing: 'block',
  model_key_rejected: 'block',
  model_overloaded: 'retry',
  model_timed_out: 'retry',
  model_unknown: 'block',
  no_able_proposer: 'block',
  not_found: 'fail',
  not_running: 'block',
  port_taken: 'block',
  price_unknown: 'suspend',
  project_required: 'block',
  proposal_rejected: 'fail',
  proposer_refused: 'fail',
  proposer_unreachable: 'retry',
  protected_change: 'suspend',
  provider_busy: 'retry',
  provider_paused: 'suspend',
  pull_request_closed: 'block',
  pull_request_lost: 'block',
  push_rejected: 'fail',
  reasoning_unclear: 'fail',
  recording_missing: 'fail',
  repository_refused: 'block',
  repository_unreachable: 'retry',
  request_forbidden: 'fail',
  request_invalid: 'fail',
  reservation_conflict: 'fail',
  revision_stuck: 'block',
  sandbox_unavailable: 'block',
  scope_missing: 'fail',
  scope_too_large: 'fail',
  scope_unreadable: 'fail',
  secret_in_change: 'fail',
  secret_in_prompt: 'block',
  service_unreachable: 'retry',
  setup_failed: 'block',
  signing_key_unusable: 'block',
  token_exists: 'fail',
  too_many_requests: 'retry',
  too_many_streams: 'retry',
  unauthenticated: 'fail',
  webhook_refused: 'fail',
  work_order_busy: 'retry',
  work_order_conflict: 'fail',
  work_order_invalid: 'fail',
  work_order_not_approved: 'block',
  work_order_not_found: 'fail',
} as const satisfies Record<string, NextMove>

export type FaultCode = keyof typeof NEXT_MOVE

/** Characters of a message, and of one of its details. */
const MOST_SAID = 10_000

function bounded(text: string): string {
  return text.length <= MOST_SAID ? text : `${text.slice(0, MOST_SAID).toWellFormed()}…`
}

/** A flat fact about a fault; never a secret, never an object. */
export type FaultDetail = string | number | boolean | null

/** A fault as it is stored with a step, sent over HTTP and printed by `--json`. */
export type FaultRecord = {
  code: FaultCode
  message: string
  details?: Record<string, FaultDetail>
}

/**
 * A failure Moose can name.
 *
 * @example
 * throw new Fault('work_order_not_found', `There is no work order ${id}. See them with: moose list`, { id })
 */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  readonly details: Record<string, FaultDetail>

  constructor(code: FaultCode, message: string, details: Record<string, FaultDetail> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }

  /** The fault without stack and cause, for storing and sending; its texts are bounded, as foreign programs may have written them. */
  toRecord(): FaultRecord {
    const details = Object.entries(this.details).map(([name, value]) => [
      name,
      typeof value === 'string' ? bounded(value) : value,
    ])
    return { code: this.code, message: bounded(this.message), details: Object.fromEntries(details) }
  }

  /** A stored fault; a code that only a newer version knows becomes `internal`, with the code in the details. */
  static fromRecord({ code, message, details = {} }: FaultRecord): Fault {
    if (isFaultCode(code)) return new Fault(code, message, details)
    return new Fault('internal', message, { ...details, code })
  }
}

export function isFaultCode(code: string): code is FaultCode {
  return Object.hasOwn(NEXT_MOVE, code)
}

/**
 * What a model is told of a fault of its answer: `for_model` of the details, with what it is to answer instead, where people
 * are told less.
 */
export function toldToModel({
  message,
  details,
}: {
  message: string
  details?: Readonly<Record<string, unknown>> | undefined
}): string {
  const told = details?.['for_model']
  return typeof told === 'string' ? told : message
}

/** Any thrown value as a Fault; what Moose cannot name becomes `internal` with the original as its cause. */
export function toFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new Fault('internal', message, {}, thrown)
}

/** Details of a fault that ends an attempt which it would suspend otherwise. */
export const ENDS = { ends: true }

/** What becomes of an attempt that meets a fault, and of its order. */
export function moveOf({ code, details }: FaultRecord): NextMove {
  const move = NEXT_MOVE[code]
  return move === 'suspend' && details?.['ends'] === true ? 'fail' : move
}

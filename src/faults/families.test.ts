import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codesOf, isOf } from './families.ts'
import { type FaultCode, isFaultCode } from './fault.ts'

type Cause = 'model' | 'set_up' | 'account' | 'network' | 'cancellation' | 'machine' | 'order' | 'request'

/** What every fault is a fault of. A new code does not compile until it stands here. */
const CAUSES: Readonly<Record<FaultCode, Cause>> = {
  aider_config_refused: 'set_up',
  aider_context_overflow: 'model',
  aider_crashed: 'machine',
  aider_git_off: 'set_up',
  aider_malformed_edits: 'model',
  aider_no_change: 'model',
  aider_out_of_scope: 'model',
  aider_partial: 'model',
  aider_timed_out: 'model',
  approval_withdrawn: 'cancellation',
  attempt_cancelled: 'cancellation',
  attempt_taken_over: 'cancellation',
  attempt_unstable: 'machine',
  audit_broken: 'machine',
  base_branch_missing: 'set_up',
  branch_taken: 'order',
  budget_exceeded: 'account',
  change_out_of_scope: 'model',
  change_without_effect: 'model',
  check_failed: 'model',
  checks_invalid: 'set_up',
  child_limit: 'set_up',
  command_failed: 'machine',
  command_missing: 'set_up',
  command_timed_out: 'machine',
  config_invalid: 'set_up',
  database_binaries_missing: 'machine',
  database_refused: 'machine',
  database_schema_newer: 'machine',
  database_unreachable: 'network',
  dependency_unmet: 'cancellation',
  disk_full: 'machine',
  edits_malformed: 'model',
  edits_missing: 'model',
  edits_rejected: 'model',
  emergency_stop: 'cancellation',
  files_in_scope_required: 'order',
  follow_up_exhausted: 'order',
  forge_unsupported: 'set_up',
  github_failed: 'network',
  github_forbidden: 'account',
  github_not_found: 'account',
  github_rate_limited: 'network',
  github_unauthorized: 'account',
  github_unreachable: 'network',
  home_owned: 'machine',
  internal: 'machine',
  ledger_unsound: 'machine',
  machine_out_of_memory: 'machine',
  manager_refused: 'network',
  manager_unreachable: 'network',
  merge_conflict: 'order',
  merge_held: 'order',
  model_answer_refused: 'model',
  model_answer_truncated: 'model',
  model_call_rejected: 'account',
  model_host_refused: 'account',
  model_key_missing: 'account',
  model_key_rejected: 'account',
  model_overloaded: 'network',
  model_timed_out: 'network',
  model_unknown: 'account',
  no_able_proposer: 'account',
  not_found: 'request',
  not_running: 'machine',
  port_taken: 'machine',
  price_unknown: 'account',
  project_required: 'set_up',
  proposal_rejected: 'model',
  proposer_refused: 'network',
  proposer_unreachable: 'network',
  protected_change: 'order',
  provider_busy: 'account',
  provider_paused: 'network',
  pull_request_closed: 'cancellation',
  pull_request_lost: 'cancellation',
  push_rejected: 'network',
  reasoning_unclear: 'model',
  recording_missing: 'machine',
  repository_refused: 'set_up',
  repository_unreachable: 'network',
  request_forbidden: 'request',
  request_invalid: 'request',
  reservation_conflict: 'machine',
  revision_stuck: 'machine',
  sandbox_unavailable: 'set_up',
  scope_missing: 'request',
  scope_too_large: 'order',
  scope_unreadable: 'order',
  secret_in_change: 'order',
  secret_in_prompt: 'order',
  service_unreachable: 'network',
  setup_failed: 'set_up',
  signing_key_unusable: 'set_up',
  token_exists: 'request',
  too_many_requests: 'request',
  too_many_streams: 'request',
  unauthenticated: 'request',
  webhook_refused: 'request',
  work_order_busy: 'order',
  work_order_conflict: 'order',
  work_order_invalid: 'order',
  work_order_not_approved: 'cancellation',
  work_order_not_found: 'order',
}

const codes = Object.keys(CAUSES).filter(isFaultCode)

test('a fault counts against a proposer if it is of the work of its model, and no other does', () => {
  for (const code of codes) assert.equal(isOf('model_work', code), CAUSES[code] === 'model', code)
})

test('an answer that may be to blame is never taken again', () => {
  const blamed = codesOf('keeps_answers').filter((code) => ['model', 'order'].includes(CAUSES[code]))
  // Its branch is another one at the next attempt.
  assert.deepEqual(blamed, ['branch_taken'])
})

test('what leads to another proposer, or is told to one, is of the model or of its provider', () => {
  for (const code of codesOf('other_proposer')) assert.ok(['model', 'account', 'network'].includes(CAUSES[code]), code)
  for (const code of codesOf('no_pattern')) assert.ok(['cancellation', 'machine'].includes(CAUSES[code]), code)
})

import { Fault } from '../../faults/fault.ts'
import type { AiderVerdict } from './verdict.ts'

/** The start of each message, and what to do about it. The reason stands between. */
const WORDS = {
  no_change: ['Aider ended without changing a file', 'Say more precisely what should change.'],
  malformed_edits: ['None of the edits Aider was given could be made', 'Retry the order, or make it more precise.'],
  partial: ['Only a part of the edits could be made, so none is kept', 'Retry the order, or split it.'],
  out_of_scope: ['Aider changed what is not in files_in_scope', 'Widen the scope and approve it again, or retry.'],
  context_overflow: ['The task does not fit into the model', 'Name fewer or smaller files, or split the order.'],
  timed_out: ['Aider took too long and was ended', 'Split the order, or raise ORCHESTRATOR_AIDER_TIMEOUT_MS.'],
  config_refused: ['Aider refused its configuration', 'Look at the log with: moose logs'],
  git_off: ['Aider did not recognise the repository', 'Look at the log with: moose logs'],
  crashed: ['Aider broke off', 'Look at the log with: moose logs'],
} as const

/**
 * Why a run is no success, as a fault; null when it is one. What a call was not let through for is handed on as it is; a
 * model's failure keeps its own code and next move.
 */
export function faultOfVerdict(judged: AiderVerdict): Fault | null {
  if (judged.verdict === 'applied') return null
  if (judged.verdict === 'suspended') return judged.fault
  if (judged.verdict === 'model_error') {
    const { code, message, details } = judged.fault
    const known = { ...details, verdict: 'model_error', kind: code }
    return new Fault(code, `Aider ended because its model failed: ${message}`, known, judged.fault)
  }
  const [what, next] = WORDS[judged.verdict]
  const reason = /[.!?…]$/.test(judged.reason) ? judged.reason : `${judged.reason}.`
  return new Fault(`aider_${judged.verdict}`, `${what}: ${reason}\n${next}`, { verdict: judged.verdict })
}

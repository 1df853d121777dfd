import { Fault, type FaultCode, NEXT_MOVE } from '../../faults/fault.ts'
import type { GrantedCall } from '../../ports/model-access.ts'
import { isInScope } from '../../work-order/scope.ts'

/** Everything that is known about a run of Aider. Its exit code is 0 for nearly every failure. */
export type AiderEvidence = {
  /** Null when a signal ended it. */
  exitCode: number | null
  /** Null: it ended in time. */
  timedOutAfterMs: number | null
  /** stdout and stderr, or what of them a verdict can be made of. */
  output: string
  /** False: there were more signs in it than could be kept. */
  complete: boolean
  /** The calls that came through the gateway. */
  calls: readonly GrantedCall[]
  /** What git says has changed against the base, sorted. */
  changed: readonly string[]
  /** Paths it wrote where something was kept out of its reach. */
  trespassed: readonly string[]
}

export type AiderVerdict =
  | { verdict: 'applied' }
  /** A call was not let through; the order waits, and nothing the run has left counts. */
  | { verdict: 'suspended'; fault: Fault }
  | { verdict: 'model_error'; fault: Fault }
  | {
      verdict:
        | 'no_change'
        | 'malformed_edits'
        | 'partial'
        | 'out_of_scope'
        | 'context_overflow'
        | 'timed_out'
        | 'config_refused'
        | 'git_off'
        | 'crashed'
      /** What speaks for it, for a person and for the next run. */
      reason: string
    }

/** What Aider prints when an edit was not made. */
const FAILED_EDIT =
  /^(The LLM did not conform to the edit format|# \d+ SEARCH\/REPLACE blocks? failed to match|Only \d+ reflections allowed|Exception while updating files|Skipping edits to |Unable to (create|write|add) |fatal: )/m
const APPLIED_EDIT = /^Applied edit to /m
/** One per answer, printed between the answer and what becomes of it. */
const USAGE_LINE = /^Tokens: (?:(?! sent, ).)* sent, (?:(?! received\.).)* received\..*$/m
const OUTSIDE = /^.*(is outside repository|outside of the repository|beyond a symbolic link).*$/m
const NO_ROOM = /context[ _-]?(length|window)|maximum context|prompt is too long|too many (input )?tokens/i
const QUOTE = 800
/** Of a call the child itself broke off: no failure of the model. Who cancels the attempt gets no verdict at all. */
const GAVE_UP: FaultCode = 'attempt_cancelled'

/**
 * What became of a run. Success is only ever concluded from the difference against the base together with a last round
 * in which every edit was made; words of the model that look like Aider's can turn a success into a failure and never
 * the other way round.
 */
export function judgeRun(evidence: AiderEvidence, scope: readonly string[]): AiderVerdict {
  const { exitCode, timedOutAfterMs, output, calls, changed } = evidence
  const suspended = calls.find(({ fault }) => fault !== null && NEXT_MOVE[fault.code] === 'suspend')?.fault
  if (suspended) return { verdict: 'suspended', fault: suspended }
  if (timedOutAfterMs !== null) {
    return { verdict: 'timed_out', reason: `after ${timedOutAfterMs / 1_000} s, ${howOftenAsked(calls.length)}` }
  }
  if (exitCode === null) return { verdict: 'crashed', reason: `a signal ended it: ${lastLines(output)}` }
  // What the run was not lent any more for says nothing of the model: what came of its answers before does.
  const made = calls.filter(({ fault }) => fault?.details['most_calls'] === undefined)
  const failed = made.flatMap(({ fault }) => (fault === null || fault.code === GAVE_UP ? [] : [fault])).at(-1)
  if (failed !== undefined) {
    if (failed.code === 'model_call_rejected' && NO_ROOM.test(failed.message)) {
      return { verdict: 'context_overflow', reason: failed.message }
    }
    if (failed.code === 'aider_out_of_scope') return { verdict: 'out_of_scope', reason: failed.message }
    return { verdict: 'model_error', fault: failed }
  }
  if (exitCode === 2) return { verdict: 'config_refused', reason: lastLines(output) }
  if (exitCode !== 0) return { verdict: 'crashed', reason: lastLines(output) }
  if (/^Git repo: none/m.test(output)) return { verdict: 'git_off', reason: 'it printed "Git repo: none"' }
  if (calls.length === 0) return { verdict: 'crashed', reason: `it never asked the model: ${lastLines(output)}` }
  const outside = [...evidence.trespassed, ...changed.filter((path) => !isInScope(path, scope))]
  if (outside.length > 0) return { verdict: 'out_of_scope', reason: outside.join(', ') }
  const refused = OUTSIDE.exec(output)
  if (refused !== null) return { verdict: 'out_of_scope', reason: refused[0].slice(0, QUOTE) }
  const failure = evidence.complete ? failedEdit(output, made.length) : 'It printed more than can be judged.'
  if (failure === null) {
    return changed.length > 0 ? { verdict: 'applied' } : { verdict: 'no_change', reason: lastLines(output) }
  }
  return { verdict: changed.length > 0 ? 'partial' : 'malformed_edits', reason: failure }
}

function howOftenAsked(calls: number): string {
  if (calls === 0) return 'it had not asked its model yet'
  return calls === 1 ? '1 call to the model was made' : `${calls} calls to the model were made`
}

/**
 * What Aider said about an edit that was not made in the end; null when every one was. A round that failed counts as
 * made good when a later one applied its edits. Rounds can be told apart only when as many usage lines were printed
 * as answers came; otherwise every failure counts.
 */
function failedEdit(output: string, answers: number): string | null {
  const rounds = output.split(USAGE_LINE).slice(1)
  const last = rounds.at(-1)
  if (last === undefined || rounds.length !== answers) return quoteFailure(output)
  const inLast = quoteFailure(last)
  if (inLast !== null) return inLast
  return APPLIED_EDIT.test(last) ? null : quoteFailure(rounds.join('\n'))
}

function quoteFailure(text: string): string | null {
  const found = FAILED_EDIT.exec(text)
  return found === null ? null : text.slice(found.index, found.index + QUOTE).trim()
}

/** Without what says nothing about the end: blank lines and the count of tokens. */
function lastLines(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !USAGE_LINE.test(line))
  return lines.slice(-6).join('\n').slice(-QUOTE)
}

const SIGNS = [FAILED_EDIT, APPLIED_EDIT, USAGE_LINE, OUTSIDE, /^Git repo: none/]

/** Whether a line is one a verdict is made of. */
export function isSign(line: string): boolean {
  return SIGNS.some((sign) => sign.test(line))
}

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

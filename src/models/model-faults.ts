import { Fault } from '../faults/fault.ts'
import type { Redaction } from '../redaction/redaction.ts'
import type { Problem } from './dialects/dialect-table.ts'
import { CutAnswer, NoAnswer, ToldInAnswer } from './dialects/read-answer.ts'
import { readTrouble, type Trouble } from './dialects/read-trouble.ts'
import { causesOf, wasNeverSent } from './error-causes.ts'
import { RefusedByStatus } from './provider-fetch.ts'

const REASON_LENGTH = 400

/** Everything that is known about a failed call. */
type Failure = Trouble & {
  /** Null: the provider answered with none of failure, or not at all. */
  status: number | null
  isTimeout: boolean
  /** Whether the provider certainly charges nothing. */
  isUnbilled: boolean
}

/**
 * A failed call to a provider as a Fault. The provider's reason is quoted, cut, and `redacted`; of what
 * was thrown only the message is kept, because it also carries the prompt.
 *
 * @param proposer the name in `proposer_configs`, for the message
 * @returns `model_key_rejected` for a problem of account, key or quota; `model_overloaded`, `model_timed_out`,
 *   `model_answer_refused` for content that is not allowed, or `model_call_rejected`. Details of all: `status`, `problem`,
 *   `retry_after_ms` where the provider can be asked again, and `billed`, false, when the call has certainly cost nothing
 */
export function toModelFault(thrown: unknown, proposer: string, redacted: Redaction, now: Date): Fault {
  const { status, problem, message, resetMs, isTimeout, isUnbilled: unbilled } = readFailure(thrown, now)
  const reason = boundedReason(redacted(message))
  const details = { proposer, status, reason, problem, ...(unbilled ? { billed: false } : {}) }
  const cause = new Error(reason)
  const said = status === null ? reason : `HTTP ${status}, ${reason}`
  if (isTimeout) return new Fault('model_timed_out', `${proposer} did not answer in time: ${said}.`, details, cause)
  const { code, words } = VERDICTS[problem]
  const [begin, end] = words(proposer)
  const passes = code === 'model_overloaded' || code === 'model_key_rejected'
  return new Fault(code, `${begin}: ${said}. ${end}`, passes ? { ...details, retry_after_ms: resetMs } : details, cause)
}

type Verdict = {
  code: 'model_key_rejected' | 'model_overloaded' | 'model_answer_refused' | 'model_call_rejected'
  /** What stands before and after the provider's words. */
  words: (proposer: string) => [string, string]
}

const VERDICTS: Readonly<Record<Problem, Verdict>> = {
  account: {
    code: 'model_key_rejected',
    words: (name) => [
      `The provider of ${name} does not accept calls of this account`,
      `Check its credit, then: moose proposer test ${name}`,
    ],
  },
  key: {
    code: 'model_key_rejected',
    words: (name) => [
      `The provider of ${name} rejected the API key`,
      `Check the key and the account's rights, then: moose proposer test ${name}`,
    ],
  },
  quota: {
    code: 'model_key_rejected',
    words: (name) => [
      `The quota of the account of ${name} is used up`,
      `Raise it, or wait until it is reset; then: moose proposer test ${name}`,
    ],
  },
  content: {
    code: 'model_answer_refused',
    words: (name) => [
      `The provider of ${name} refused what was asked`,
      `Reword the work order, or have another proposer do it: moose proposer pause ${name}`,
    ],
  },
  context: {
    code: 'model_call_rejected',
    words: (name) => [
      `The prompt is too long for ${name}`,
      `Split the work order, name fewer files, or have another proposer do it: moose proposer pause ${name}`,
    ],
  },
  model: {
    code: 'model_call_rejected',
    words: (name) => [`The provider of ${name} has no such model`, `Correct it: moose proposer edit ${name} --help`],
  },
  tools: {
    code: 'model_call_rejected',
    words: (name) => [
      `The server of ${name} takes no tools`,
      `Have it answer in text: moose proposer edit ${name} --answer-form blocks`,
    ],
  },
  busy: {
    code: 'model_overloaded',
    words: (name) => [`The provider of ${name} could not answer right now`, 'It is worth trying again later.'],
  },
  other: {
    code: 'model_call_rejected',
    words: (name) => [`The provider of ${name} rejected the call`, 'Check its row in proposer_configs.'],
  },
}

function readFailure(thrown: unknown, now: Date): Failure {
  const causes = causesOf(thrown)
  const told = (trouble: Partial<Failure>): Failure => ({
    status: null,
    problem: 'other',
    message: messageOf(thrown),
    resetMs: null,
    isTimeout: false,
    isUnbilled: wasNeverSent(thrown),
    ...trouble,
  })
  for (const cause of causes) {
    if (cause instanceof RefusedByStatus) {
      const { status } = cause
      return told({ status, ...readTrouble(cause, now), isUnbilled: isUnbilledStatus(status) })
    }
    if (cause instanceof ToldInAnswer) return told(readTold(cause, now))
    if (cause instanceof CutAnswer) return told({ problem: 'busy', message: cause.message })
    if (cause instanceof NoAnswer) return told({ message: cause.message })
  }
  const codes = causes.map((error) => ('code' in error ? String(error.code) : ''))
  if (codes.some((code) => /^(UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT|ETIMEDOUT)$/.test(code)))
    return told({ isTimeout: true })
  const isUnreached = wasNeverSent(thrown) || codes.some((code) => NOT_REACHED.test(code))
  return told(isUnreached ? { problem: 'busy' } : {})
}

/** A server that was not reached, or a connection that broke off. */
const NOT_REACHED =
  /^(ECONN|EPIPE|EPROTO|ENOTFOUND|EAI_AGAIN|EHOST|ENET|UND_ERR_|HPE_|ERR_PROXY_TUNNEL|ERR_STREAM_PREMATURE)/

/**
 * A failure within an answer. Its code may be a status, as of OpenRouter and Google. What an account cannot pay for was
 * not begun; of anything else it is unknown whether it is charged.
 */
function readTold(told: ToldInAnswer, now: Date): Partial<Failure> {
  const { body, begun, request, offersTools } = told
  const code = /"code":\s*"?(\d{3})\b/.exec(body.slice(0, 64 * 1024))?.[1]
  const status = code === undefined ? null : Number(code)
  const trouble = readTrouble({ status, headers: {}, body, request, offersTools }, now)
  const isOfAccount = VERDICTS[trouble.problem].code === 'model_key_rejected'
  return { ...trouble, isUnbilled: isOfAccount && !begun }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : JSON.stringify(thrown)
}

function boundedReason(message: string): string {
  // Postgres holds no NUL, and a terminal should obey nothing that a provider says.
  const line = message.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  const reason = line.length > REASON_LENGTH ? `${line.slice(0, REASON_LENGTH)}…` : line
  return reason === '' ? 'it gave no reason' : reason.replace(/\.$/, '')
}

/**
 * Statuses of a proxy between Moose and the model that gave up waiting for the model or lost the connection to it. The
 * call may have been answered behind it, and charged.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-server-error-5xx
 * @see https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
 */
const OUTCOME_UNKNOWN = new Set([408, 499, 502, 504, 520, 522, 524])

/** Whether a provider certainly charges nothing for a call it refused with a status, before any answer. */
function isUnbilledStatus(status: number): boolean {
  return status >= 300 && !OUTCOME_UNKNOWN.has(status)
}

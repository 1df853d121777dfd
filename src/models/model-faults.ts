import { APICallError, InvalidResponseDataError, StreamProviderError } from 'ai'
import { Fault } from '../faults/fault.ts'
import type { Redaction } from '../redaction/redaction.ts'
import { causesOf, wasNeverSent } from './error-causes.ts'
import { statusOnWire } from './provider-fetch.ts'

const REASON_LENGTH = 400

/** Everything that is known about a failed call, whatever the SDK threw. */
type Failure = {
  status: number | null
  reason: string
  providerCode: string
  retryAfterMs: number | null
  cause: unknown
}

/**
 * A failed call to a provider as a Fault. The provider's reason is quoted, cut, and `redacted`; of what
 * was thrown only the message is kept, because it also carries the prompt.
 *
 * @param proposer the name in `proposer_configs`, for the message
 * @returns `model_key_rejected`, `model_overloaded` (details: `retry_after_ms`), `model_timed_out` or
 *   `model_call_rejected`. Details of all: `status`, and `billed`, false, when the call has certainly cost nothing
 * @see https://docs.anthropic.com/en/api/errors
 * @see https://platform.openai.com/docs/guides/error-codes
 */
export function toModelFault(thrown: unknown, proposer: string, redacted: Redaction, now: Date): Fault {
  const { status, reason, providerCode, retryAfterMs, cause } = readFailure(thrown, redacted, now)
  const details = { proposer, status, reason, ...(isUnbilled(thrown) ? { billed: false } : {}) }
  const said = status === null ? reason : `HTTP ${status}, ${reason}`
  if (status === 401 || status === 402 || status === 403 || providerCode === 'insufficient_quota') {
    const message = `The provider of ${proposer} rejected the API key: ${said}. Check the key and the account's credit.`
    return new Fault('model_key_rejected', message, details, cause)
  }
  if (isTimeout(providerCode)) {
    return new Fault('model_timed_out', `${proposer} did not answer in time: ${said}.`, details, cause)
  }
  if (status === null ? isConnectionTrouble(thrown) : isTransientStatus(status)) {
    const message = `The provider of ${proposer} could not answer right now: ${said}. It is worth trying again later.`
    return new Fault('model_overloaded', message, { ...details, retry_after_ms: retryAfterMs }, cause)
  }
  const message = `The provider of ${proposer} rejected the call: ${said}. Check its row in proposer_configs.`
  return new Fault('model_call_rejected', message, details, cause)
}

function readFailure(thrown: unknown, redacted: Redaction, now: Date): Failure {
  const reason = boundedReason(redacted(messageOf(thrown)))
  const cause = new Error(reason)
  if (isBrokenAnswer(thrown)) {
    // The status was fine and what followed was not: what went wrong is in the cause.
    return { ...readFailure(thrown.cause, redacted, now), cause }
  }
  if (APICallError.isInstance(thrown)) {
    const status = thrown.statusCode === undefined ? null : thrown.statusCode
    const retryAfterMs = readRetryAfter(thrown.responseHeaders, now)
    return { status, reason, providerCode: providerCodeOf(thrown), retryAfterMs, cause }
  }
  if (StreamProviderError.isInstance(thrown)) {
    const status = thrown.statusCode === undefined ? null : thrown.statusCode
    return { status, reason, providerCode: String(thrown.code), retryAfterMs: null, cause }
  }
  return { status: null, reason, providerCode: codesOf(thrown).join(), retryAfterMs: null, cause }
}

function isBrokenAnswer(thrown: unknown): thrown is APICallError {
  return APICallError.isInstance(thrown) && thrown.statusCode === 200 && thrown.cause !== undefined
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : JSON.stringify(thrown)
}

/** OpenAI tells an empty account from a rate limit only by the code in the body; both are 429. */
function providerCodeOf(error: APICallError): string {
  if (error.statusCode === undefined) return codesOf(error).join()
  return error.responseBody?.includes('"insufficient_quota"') === true ? 'insufficient_quota' : ''
}

function boundedReason(message: string): string {
  // Postgres holds no NUL, and a terminal should obey nothing that a provider says.
  const line = message.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  const reason = line.length > REASON_LENGTH ? `${line.slice(0, REASON_LENGTH)}…` : line
  return reason === '' ? 'it gave no reason' : reason.replace(/\.$/, '')
}

function isTransientStatus(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500
}

function isTimeout(codes: string): boolean {
  return /UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT|ETIMEDOUT/.test(codes)
}

/** A server that was not reached, or a stream that broke off. */
function isConnectionTrouble(thrown: unknown): boolean {
  if (InvalidResponseDataError.isInstance(thrown)) return true
  if (StreamProviderError.isInstance(thrown)) {
    return thrown.isRetryable || /overloaded|server_error/.test(`${thrown.type} ${thrown.code}`)
  }
  return codesOf(thrown).some((code) => /^(ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|EHOST|ENET|UND_ERR_|HPE_)/.test(code))
}

/** The `code` of an error and of each of its causes. */
function codesOf(thrown: unknown): string[] {
  return causesOf(thrown).map((error) => ('code' in error ? String(error.code) : ''))
}

/**
 * Statuses of a proxy between Moose and the model that gave up waiting for the model or lost the connection to it. The
 * call may have been answered behind it, and charged.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-server-error-5xx
 * @see https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
 */
const OUTCOME_UNKNOWN = new Set([408, 499, 502, 504, 520, 522, 524])

/**
 * Whether a provider certainly charges nothing for a call that failed: it refused it with a status, before any answer,
 * or the call never reached it. False: it is unknown.
 */
export function isUnbilled(thrown: unknown): boolean {
  const status = APICallError.isInstance(thrown) ? statusOnWire(thrown) : null
  return status === null ? wasNeverSent(thrown) : status >= 300 && !OUTCOME_UNKNOWN.has(status)
}

/**
 * When the provider wants to be asked again: `retry-after-ms`, or `retry-after` in seconds or as a date. Null when it
 * does not say, or says what cannot be read.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 */
export function readRetryAfter(headers: Record<string, string> | undefined, now: Date): number | null {
  if (headers === undefined) return null
  const { 'retry-after-ms': milliseconds, 'retry-after': seconds } = headers
  if (milliseconds !== undefined && /^\d+(\.\d+)?$/.test(milliseconds)) return Math.ceil(Number(milliseconds))
  if (seconds === undefined) return null
  if (/^\d+(\.\d+)?$/.test(seconds)) return Math.ceil(Number(seconds) * 1000)
  const date = Date.parse(seconds)
  return Number.isNaN(date) ? null : Math.max(0, date - now.getTime())
}

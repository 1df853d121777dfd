import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { namedFault } from '../db/database-fault.ts'
import { isOf } from '../faults/families.ts'
import { Fault } from '../faults/fault.ts'
import { FAULT_STATUS, type FaultStatus } from './fault-status.ts'
import type { HttpEnv } from './http-env.ts'

/** A service that stops is usually started anew, and a database that went away comes back. */
const RETRY_AFTER_S = 5

/** The answer of every failure: `{ success: false, error: { code, message, details } }`. */
export function answerFault<S extends FaultStatus>(c: Context<HttpEnv>, fault: Fault, status: S) {
  if (status === 503 && isOf('passes', fault.code)) c.header('Retry-After', String(RETRY_AFTER_S))
  if (fault.code === 'too_many_requests') c.header('Retry-After', String(fault.details['retry_after_s']))
  const challenge = challengeOf(fault)
  if (challenge !== null) c.header('WWW-Authenticate', challenge)
  // Nothing is decided by an answer: no detail of it is kept as it was.
  const record = fault.toRecord()
  const error = { ...c.var.sanitize(record), code: record.code }
  return c.json({ success: false as const, error }, status)
}

/** What a refused client is told of what it takes. @see https://www.rfc-editor.org/rfc/rfc6750#section-3 */
function challengeOf({ code, details }: Fault): string | null {
  if (code === 'scope_missing') return `Bearer realm="moose", error="insufficient_scope", scope="${details['scope']}"`
  if (code !== 'unauthenticated') return null
  return details['token'] === undefined ? 'Bearer realm="moose"' : 'Bearer realm="moose", error="invalid_token"'
}

/** Answers whatever a handler threw. What Moose cannot name is told to the log alone. */
export function answerError(error: Error, c: Context<HttpEnv>): Response {
  if (error instanceof HTTPException) return answerFault(c, unreadable(error), error.status === 415 ? 415 : 400)
  const closing = c.var.closing?.aborted === true
  const fault = closing && !(error instanceof Fault) ? shuttingDown(error) : namedFault(error)
  const status = FAULT_STATUS[fault.code]
  const request = { method: c.req.method, path: c.req.path, code: fault.code, status }
  // A client that went away hears no answer; that its request was given up is no failure.
  if (status === 500 && !c.req.raw.signal.aborted) c.var.deps.log.error({ err: error, ...request }, 'request failed')
  else c.var.deps.log.debug(request, 'request refused')
  return answerFault(c, fault.code === 'internal' ? unnamed(fault) : fault, status)
}

export function answerNotFound(c: Context<HttpEnv>): Response {
  const message = `There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}. GET /openapi.json has every route; /docs shows them.`
  return answerFault(c, new Fault('not_found', message), 404)
}

export function answerMethodNotAllowed(c: Context<HttpEnv>, methods: string[]): Response {
  const allow = methods.join(', ')
  c.header('Allow', allow)
  return answerFault(c, new Fault('request_invalid', `This route takes ${allow}, not ${c.req.method}.`, { allow }), 405)
}

/** What Hono itself refuses: a body that does not parse. */
function unreadable(error: HTTPException): Fault {
  const message = 'The body is not valid JSON. Send one JSON document, encoded as UTF-8.'
  return new Fault('request_invalid', message, {}, error)
}

function shuttingDown(cause: Error): Fault {
  const message = 'Moose is shutting down; running attempts are resumed at the next start. Start it with: moose up'
  return new Fault('service_unreachable', message, {}, cause)
}

function unnamed(cause: Fault): Fault {
  const message = 'Something inside Moose failed; the log of the service (stderr of moose up) says what.'
  return new Fault('internal', message, {}, cause)
}

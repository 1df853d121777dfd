import type { z } from '@hono/zod-openapi'
import { FaultBody } from '../contract/faults.ts'

/** A JSON answer as a route declares it. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

/** A JSON body as a route declares it; without one, an optional body counts as `{}`. */
export function jsonBody<Schema extends z.ZodType, Required extends boolean>(schema: Schema, required: Required) {
  return { required, content: { 'application/json': { schema } } }
}

const fault = (description: string) => json(FaultBody, description)

/** Failures any route can have. */
export const ANY_FAULT = {
  403: fault(
    '`request_forbidden`: from another site, or to another host; `scope_missing`: the token does not allow it',
  ),
  429: fault('`too_many_requests`: `Retry-After` says when to ask again'),
  500: fault('`internal`: a fault of Moose; its log says more'),
  503: fault('`database_unreachable`, `service_unreachable`: not now; try again'),
}

/** Failures of a route with a body. */
export const BODY_FAULT = {
  400: fault('`request_invalid`: the message names every field that is wrong'),
  413: fault('`request_invalid`: the body is too large'),
  415: fault('`request_invalid`: the body is not `application/json`'),
}

export const QUERY_FAULT = { 400: fault('`request_invalid`: the message names every parameter that is wrong') }

export const NOT_READY = {
  503: fault(
    '`database_unreachable`, `database_refused`, `config_invalid`, `home_owned`, `not_running`: not now; the message has every reason',
  ),
}

export const NO_SUCH_ORDER = { 404: fault('`work_order_not_found`') }
export const NO_SUCH_TRY = { 404: fault('`work_order_not_found`, or `not_found`: there is no such try') }
export const NO_SUCH_PROJECT = { 404: fault('`not_found`: there is no project of this name') }
export const NO_SUCH_CAP = { 404: fault('`work_order_not_found`, or `not_found`: there is no project of this name') }
export const NO_SUCH_RESERVATION = { 404: fault('`not_found`: there is no such reservation') }
export const NO_SUCH_PROPOSER = { 404: fault('`not_found`: there is no proposer of this name') }
export const NO_SUCH_TOKEN = { 404: fault('`not_found`: no token of this name counts') }
export const NO_SUCH_LINK = { 401: fault('`unauthenticated`: the link was used, or is too old') }
export const NO_SUCH_ENDPOINT = { 404: fault('`not_found`: no endpoint has this name') }
export const TAKEN_NAME = { 409: fault('`token_exists`: another of this name counts') }
export const BUSY_PROPOSER = { 409: fault('`work_order_busy`: an attempt runs with it') }
export const UNPRICED = {
  409: fault('`price_unknown`: no price is known for the model, and none was stated; of a call also `budget_exceeded`'),
}
export const UNCALLABLE = fault('`request_invalid`: it reads recordings, and there is no model to call')
export const RESERVATION_CONFLICT = {
  409: fault('`reservation_conflict`: the call is under way, or was booked before'),
}
export const NOT_APPROVED = { 403: fault('`work_order_not_approved`, `request_forbidden`, `scope_missing`') }
export const NOT_SIGNED = { 401: fault('`webhook_refused`: the signature is missing or does not fit') }
export const NO_WEBHOOKS = { 404: fault('`not_found`: no secret is configured') }
export const CONFLICT = {
  409: fault('`work_order_conflict`, `work_order_busy`, …: the state of the order is against it'),
}
export const UNWORKABLE = {
  422: fault('The work ran and failed: `check_failed`, `proposal_rejected`, …'),
}
export const AUDIT_BROKEN = {
  409: fault('`audit_broken`: the entries are not sound in themselves'),
}
export const TOO_MANY_STREAMS = { 429: fault('`too_many_streams`, `too_many_requests`') }

/** Failures of what stands behind Moose: models, repositories, forges. */
export const PEER_FAULT = {
  502: fault('A model, a repository or a forge refused or was not reachable'),
  504: fault('A model or a command took too long'),
}

import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { z } from 'zod'
import {
  AllEventsQuery,
  EventsHeaders,
  EventsResponse,
  EventView,
  ServiceStopping,
  SettingsChanged,
  StreamEnd,
  WorkOrderEventsQuery,
} from '../../contract/events.ts'
import { WorkOrderParams } from '../../contract/work-orders.ts'
import { eventsAfter, eventsIn } from '../../db/work-order-events.ts'
import { findWorkOrder } from '../../db/work-orders/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { ANY_FAULT, json, NO_SUCH_ORDER, QUERY_FAULT, TOO_MANY_STREAMS } from '../answers.ts'
import { answerEventStream } from '../event-stream.ts'
import { followAttempt } from '../follow-attempt.ts'
import type { HttpEnv } from '../http-env.ts'
import { newRoutes } from '../new-routes.ts'
import { withHeartbeats } from '../with-heartbeats.ts'

const tags = ['Events']
const description = [
  'With `Accept: application/json` what is stored: a page of at most 500 events and about 2 MB, oldest first; the id of the',
  'last one is the next `after`, until a page is empty.',
  'Otherwise server-sent events: what is stored, then what comes. `data` of each is an Event, its `id` the event’s id,',
  'its `event` the type, or `other` for a type that this version does not know;',
  'while the service stops one is `event: service_stopping` with a ServiceStopping; the last one is `event: end` with a',
  'StreamEnd. Resume with `Last-Event-ID` or `?after=`.',
].join(' ')

const STREAM = EventView.or(ServiceStopping).or(StreamEnd)
const events = <Schema extends z.ZodType>(schema: Schema) => ({
  description: 'The events',
  content: { ...json(EventsResponse, '').content, 'text/event-stream': { schema } },
})

const all = createRoute({
  method: 'get',
  path: '/api/events',
  operationId: 'getEvents',
  summary: 'What happens to all work orders',
  description: [
    description,
    'With `?settings=true` the stream also says by `event: settings`, a SettingsChanged without an id, that something has',
    'changed which is no event of an order: caps, pauses of providers, projects, tokens.',
  ].join(' '),
  tags,
  request: { query: AllEventsQuery, headers: EventsHeaders },
  responses: { 200: events(STREAM.or(SettingsChanged)), ...QUERY_FAULT, ...TOO_MANY_STREAMS, ...ANY_FAULT },
})

const ofOrder = createRoute({
  method: 'get',
  path: '/api/work-orders/{id}/events',
  operationId: 'getWorkOrderEvents',
  summary: 'What happens to one work order',
  description: [
    `${description} With \`?follow=attempt\` the stream ends once nothing more will come without a human.`,
    'As JSON, `?tail=500` is the end of the log, and `?tail=500&before=ID` what stands before an event; `?find=` leaves out what',
    'does not have a text.',
  ].join(' '),
  tags,
  request: { params: WorkOrderParams, query: WorkOrderEventsQuery, headers: EventsHeaders },
  responses: { 200: events(STREAM), ...QUERY_FAULT, ...NO_SUCH_ORDER, ...TOO_MANY_STREAMS, ...ANY_FAULT },
})

export const eventRoutes = newRoutes()
  .openapi(all, async (c) => {
    const afterId = position(c.req.valid('header'), c.req.valid('query'))
    if (wantsJson(c)) {
      return c.json({ success: true as const, events: await eventsAfter(c.var.deps.db, null, afterId) }, 200)
    }
    if (c.req.valid('query').settings === 'false') {
      return answerEventStream(c, (signal) => live(c, { workOrderId: null, afterId, signal }))
    }
    const open = (signal: AbortSignal) => c.var.deps.feed.subscribeToAll({ afterId, signal })
    return answerEventStream(c, (signal) => beating(c, open, signal))
  })
  .openapi(ofOrder, async (c) => {
    const { db } = c.var.deps
    const { id: workOrderId } = await findWorkOrder(db, c.req.valid('param').id)
    const afterId = position(c.req.valid('header'), c.req.valid('query'))
    const within = rangeIn(c.req.valid('query'))
    if (wantsJson(c)) {
      return c.json({ success: true as const, events: await eventsIn(db, { workOrderId, afterId, ...within }) }, 200)
    }
    if (Object.values(within).some((bound) => bound !== null)) throw new Fault('request_invalid', ONLY_JSON)
    const follows = c.req.valid('query').follow === 'attempt'
    return answerEventStream(c, (signal) => {
      const events = live(c, { workOrderId, afterId, signal })
      return follows ? followAttempt({ db, workOrderId, afterId, signal, live: events }) : events
    })
  })

function live(c: Context<HttpEnv>, from: { workOrderId: string | null; afterId: string; signal: AbortSignal }) {
  return beating(c, (signal) => c.var.deps.feed.subscribe({ ...from, signal }), from.signal)
}

function beating<Item>(c: Context<HttpEnv>, open: (signal: AbortSignal) => AsyncIterable<Item>, ended: AbortSignal) {
  const { deps, limits } = c.var
  return withHeartbeats(open, limits.heartbeatMs, ended, deps.orchestrator.stopping)
}

const ONLY_JSON = 'before, tail and find take Accept: application/json; a stream has every event from one on.'

function rangeIn({ before, tail, find }: z.infer<typeof WorkOrderEventsQuery>) {
  return {
    beforeId: before === undefined ? null : before,
    tail: tail === undefined ? null : tail,
    find: find === undefined ? null : find,
  }
}

function position(headers: { 'Last-Event-ID'?: string | undefined }, query: { after: string }): string {
  const { 'Last-Event-ID': last } = headers
  return last === undefined ? query.after : last
}

/** A request that does not ask for JSON gets the stream: curl, EventSource, a browser's address bar. */
function wantsJson(c: Context<HttpEnv>): boolean {
  const accept = c.req.header('accept')
  return accept !== undefined && accept.includes('application/json') && !accept.includes('text/event-stream')
}

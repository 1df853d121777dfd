import { knownOrOther, storedText } from './stored-text.ts'
import { z } from './zod.ts'

/** What Moose tells of. */
export const EVENT_TYPES = [
  'added',
  'approved',
  'rejected',
  'edited',
  'claimed',
  'taken_over',
  'step_started',
  'step_succeeded',
  'step_failed',
  'step_repeated',
  'progress',
  'output',
  'attempt_ended',
  'status',
  'pull_request',
] as const
export type EventType = (typeof EVENT_TYPES)[number]

export function isEventType(type: string): type is EventType {
  return EVENT_TYPES.some((known) => known === type)
}

/** One thing that happened; also the data of a server-sent event, whose `id` is this id. */
export const EventView = z
  .object({
    /** Grows with time; a decimal number as text. */
    id: z.string(),
    work_order_id: z.guid(),
    attempt: z.number().int().nullable(),
    step: z.string().nullable(),
    type: knownOrOther(EVENT_TYPES),
    message: z.string(),
    /**
     * `pull_request` says what was seen of it on its forge; `step_*` and `attempt_ended` carry `duration_ms` and `cost_usd`; `status` carries `status` and `phase`; `edited`
     * `fields`. Data that is no object is its `value`.
     */
    data: z.record(z.string(), z.unknown()),
    at: z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' }),
  })
  .openapi('Event')
export type EventView = z.infer<typeof EventView>

/** Id of an event: a decimal number as text, at most 18 digits so that it fits Postgres' bigint. */
const EventId = z
  .string()
  .regex(/^\d{1,18}$/, 'must be the id of an event: a decimal number')
  .openapi({ example: '1042' })

/** Where a reader stands; everything when left out. */
export const EventsQuery = z.strictObject({
  /** Only events with a greater id. */
  after: EventId.default('0'),
})

/** Of the stream of all orders. */
export const AllEventsQuery = EventsQuery.extend({
  /** `true`: the stream says too that settings have changed, by `event: settings`. */
  settings: z.enum(['true', 'false']).default('false'),
})

/** Characters of a text that is searched for in a log. */
export const LONGEST_SEARCH = 200
/** Events of one page, at most. */
export const MOST_EVENTS = 500

export const WorkOrderEventsQuery = EventsQuery.extend({
  /** Only events with a lesser id. For JSON alone, as `tail` and `find`. */
  before: EventId.optional(),
  /** Of those that fit the newest so many, and of them the last 2 MB; still oldest first. With `before` a log is read backwards. */
  tail: z.coerce.number().int().min(1).max(MOST_EVENTS).optional(),
  /** Only events whose step, message, or type but `output` has this text, in any case; codes for colours do not count. */
  find: storedText(LONGEST_SEARCH).min(1).optional(),
  /** `attempt`: a stream that ends by itself once nothing more will come without a human. */
  follow: z.enum(['attempt']).optional(),
})

/** What a browser's EventSource sends when it reconnects; it goes before `after`, which the repeated URL still has. */
export const EventsHeaders = z.object({ 'Last-Event-ID': EventId.optional() })

/** Oldest first, at most 500 and about 2 MB; the id of the last one is the next `after`, until there is none. */
export const EventsResponse = z.object({ success: z.literal(true), events: z.array(EventView) })

/** What may change without an event of an order; `any`: perhaps each of them, as notifications may have been missed. */
export const SETTING_KINDS = [
  'any',
  /** A row of `system_config`: caps, the emergency stop, places. */
  'setting',
  'project',
  'proposer',
  'token',
  /** That a provider is paused, or no longer. */
  'provider',
  /** That a worker has come or gone. */
  'worker',
  /** That a process takes orders on, or no longer. */
  'orchestrator',
  /** That a call was settled by hand. */
  'reservation',
  'session',
  'audit',
] as const

/**
 * Data of the server-sent event `event: settings`: ask again for what you show of it. It has no id, and is not stored: after a
 * reconnection everything may have changed.
 */
export const SettingsChanged = z.object({ about: knownOrOther(SETTING_KINDS) }).openapi('SettingsChanged')
export type SettingsChanged = z.infer<typeof SettingsChanged>

/**
 * Data of the server-sent event `event: service_stopping`: the service finishes what it can and then closes. Events may
 * still come; connect again after it has closed.
 */
export const ServiceStopping = z.object({ retry_ms: z.number().int() }).openapi('ServiceStopping')
export type ServiceStopping = z.infer<typeof ServiceStopping>

/** Data of the last server-sent event, `event: end`; without an id, so that a reconnect resumes where it was. */
export const StreamEnd = z
  .object({
    reason: z.enum([
      // Nothing more will come without a human.
      'attempt_ended',
      // The service stops; connect again later.
      'shutdown',
      // Reading the events failed; connect again.
      'failed',
    ]),
  })
  .openapi('StreamEnd')
export type StreamEnd = z.infer<typeof StreamEnd>

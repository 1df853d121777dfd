import { EventView } from './work-orders.ts'
import { z } from './zod.ts'

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

export const WorkOrderEventsQuery = EventsQuery.extend({
  /** `attempt`: a stream that ends by itself once nothing more will come without a human. */
  follow: z.enum(['attempt']).optional(),
})

/** What a browser's EventSource sends when it reconnects; it goes before `after`, which the repeated URL still has. */
export const EventsHeaders = z.object({ 'Last-Event-ID': EventId.optional() })

/** Oldest first, at most 500 and about 2 MB; the id of the last one is the next `after`, until there is none. */
export const EventsResponse = z.object({ success: z.literal(true), events: z.array(EventView) })

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

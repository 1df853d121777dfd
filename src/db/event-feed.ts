import { EventEmitter, on } from 'node:events'
import type { Kysely } from 'kysely'
import type { EventView } from '../contract/work-orders.ts'
import { eventsAfter } from './events.ts'
import type { Database } from './schema.ts'

export type Subscription = {
  /** Null: events of all orders. */
  workOrderId: string | null
  /** Events up to this id are known already; `0` for none. */
  afterId: string
  signal: AbortSignal
}

/** Live events: rows as they are committed, by any process. */
export type EventFeed = {
  /** Yields what is stored, then what comes, in the order of ids; ends when the signal aborts. */
  subscribe(subscription: Subscription): AsyncGenerator<EventView, void, undefined>
  /** Somebody wrote events of this order; null: perhaps of any (after a lost connection). */
  poke(workOrderId: string | null): void
}

export function createEventFeed(db: Kysely<Database>): EventFeed {
  const pokes = new EventEmitter().setMaxListeners(0)
  return {
    subscribe: (subscription) => follow(db, pokes, subscription),
    poke: (workOrderId) => pokes.emit('poke', workOrderId),
  }
}

async function* follow(
  db: Kysely<Database>,
  pokes: EventEmitter,
  { workOrderId, afterId, signal }: Subscription,
): AsyncGenerator<EventView, void, undefined> {
  if (signal.aborted) return
  const heard = on(pokes, 'poke', { signal })
  let after = afterId
  try {
    after = yield* drain(db, workOrderId, after)
    for await (const [changed] of heard) {
      if (workOrderId === null || changed === null || changed === workOrderId)
        after = yield* drain(db, workOrderId, after)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function* drain(
  db: Kysely<Database>,
  workOrderId: string | null,
  afterId: string,
): AsyncGenerator<EventView, string, undefined> {
  let after = afterId
  for (;;) {
    const events = await eventsAfter(db, workOrderId, after)
    if (events.length === 0) return after
    for (const event of events) {
      yield event
      after = event.id
    }
  }
}

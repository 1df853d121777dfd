import { EventEmitter, on } from 'node:events'
import type { Kysely } from 'kysely'
import type { EventView, SettingsChanged } from '../contract/events.ts'
import type { Database } from './schema.ts'
import { eventsAfter } from './work-order-events.ts'

/** Ids below the newest that are read again. */
const LOOK_BACK = 200n

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
  /** As `subscribe` to all orders; in between what is told of settings from then on. */
  subscribeToAll(subscription: Omit<Subscription, 'workOrderId'>): AsyncGenerator<EventView | SettingsChanged, void>
  /** Events of this order were written; null: perhaps of any (after a lost connection). */
  poke(workOrderId: string | null): void
  /** Something of this kind was changed that no event tells of. */
  pokeSettings(about: string): void
}

export function createEventFeed(db: Kysely<Database>): EventFeed {
  const pokes = new EventEmitter().setMaxListeners(0)
  return {
    subscribe: (subscription) => eventsOf(follow(db, pokes, subscription)),
    subscribeToAll: (subscription) => follow(db, pokes, { ...subscription, workOrderId: null }),
    poke: (workOrderId) => pokes.emit('poke', workOrderId),
    pokeSettings: (about) => pokes.emit('poke', { about }),
  }
}

async function* eventsOf(items: AsyncGenerator<EventView | SettingsChanged>): AsyncGenerator<EventView, void> {
  for await (const item of items) if (!isOfSettings(item)) yield item
}

/** Whether it tells of settings; otherwise it is an event. */
export function isOfSettings(item: EventView | SettingsChanged): item is SettingsChanged {
  return 'about' in item
}

async function* follow(
  db: Kysely<Database>,
  pokes: EventEmitter,
  { workOrderId, afterId, signal }: Subscription,
): AsyncGenerator<EventView | SettingsChanged, void> {
  if (signal.aborted) return
  const heard = on(pokes, 'poke', { signal })
  const reader = createReader(db, workOrderId, BigInt(afterId))
  try {
    yield* reader.unread()
    for await (const [changed] of heard) {
      if (typeof changed === 'object' && changed !== null) yield changed
      else if (workOrderId === null || changed === null || changed === workOrderId) yield* reader.unread()
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/**
 * Ids are given when a row is written and become visible when its transaction commits, so a lower id can appear after
 * a higher one was read. The last few ids are therefore looked at again.
 */
function createReader(db: Kysely<Database>, workOrderId: string | null, start: bigint) {
  let newest = start
  let seen = new Set<string>()

  async function* unread(): AsyncGenerator<EventView, void, undefined> {
    const from = newest - LOOK_BACK > start ? newest - LOOK_BACK : start
    const before = seen
    seen = new Set()
    for (let last = from; ; ) {
      const events = await eventsAfter(db, workOrderId, String(last))
      for (const event of events) {
        seen.add(event.id)
        if (!before.has(event.id)) yield event
        last = BigInt(event.id)
      }
      if (events.length === 0) return
      if (last > newest) newest = last
      seen = new Set([...seen].filter((id) => BigInt(id) > newest - LOOK_BACK))
    }
  }

  return { unread }
}

import type { EventView } from '../../contract/events.ts'

/** What happened to one order, as far as it is known: the end of it. */
export type OrderLog = {
  orderId: string
  /** In the order of their ids, each once. */
  events: readonly EventView[]
  /** `reading`: what is stored is still read; `broken`: it could not be. */
  state: 'reading' | 'whole' | 'broken'
}

/** Events kept of an order, and characters of their messages together. */
const MOST_EVENTS = 2_000
const MOST_CHARACTERS = 500_000

export function emptyLog(orderId: string): OrderLog {
  return { orderId, events: [], state: 'reading' }
}

/**
 * The log with more events of its order, wherever they come from: those of the stream come before what is stored has been
 * read, and again with it.
 */
export function withEvents(log: OrderLog, more: readonly EventView[]): OrderLog {
  const own = more.filter(({ work_order_id: id }) => id === log.orderId)
  if (own.length === 0) return log
  const each = new Map([...log.events, ...own].map((event) => [event.id, event]))
  return { ...log, events: end([...each.values()].toSorted(byId)) }
}

/** Ids are decimal numbers, without zeros in front. */
function byId({ id: one }: EventView, { id: other }: EventView): number {
  return one.length - other.length || (one < other ? -1 : 1)
}

function end(events: readonly EventView[]): readonly EventView[] {
  let characters = 0
  const from = events.findLastIndex(({ message }) => {
    characters += message.length
    return characters > MOST_CHARACTERS
  })
  // The last one is kept whatever its length.
  return events.slice(Math.max(0, Math.min(from + 1, events.length - 1), events.length - MOST_EVENTS))
}

import type { InboxEntry } from '../../contract/why/inbox.ts'
import type { ListedWorkOrder, WorkOrderView } from '../../contract/work-orders.ts'
import { orderState } from '../../work-order/order-state.ts'
import { shortId, usd } from '../pages/humanize.ts'
import type { Facts } from './facts.ts'

export type Section = 'inbox' | 'active' | 'ended'

/** A line of the list. */
export type Entry = {
  /** What stays the same when it is looked at again: the order's id, or of an entry without an order what it says. */
  key: string
  section: Section
  /** Kind of an entry of the inbox, or the state of an order. */
  kind: string
  /** Null: it is about no order. */
  order: WorkOrderView | null
  /** Why it is there, for a list; empty: its state says it. Not made harmless, as the sentence. */
  short: string
  /** The same as one or two sentences, or in short where the list says no more. */
  sentence: string
  /** What to type, the most likely first; empty where the list does not say it. */
  next: readonly string[]
  /** ISO; null: it is not known. */
  since: string | null
}

const ENDED: ReadonlySet<string> = new Set(['completed', 'cancelled'])

/**
 * Everything once, in the order of the list: what waits for a human, what runs and waits, what has ended lately with the
 * newest first.
 *
 * @param search only entries that have each of its words in id, title, project, state or reason
 */
export function entriesOf({ inbox, orders }: Pick<Facts, 'inbox' | 'orders'>, search: string): Entry[] {
  const waiting = inbox.map(ofInbox)
  const shown = new Set(waiting.map(({ key }) => key))
  const others = orders.filter(({ id }) => !shown.has(id)).map(ofOrder)
  const ended = others.filter(({ section }) => section === 'ended').toSorted(newestFirst)
  const words = search.toLowerCase().split(/\s+/)
  return [...waiting, ...others.filter(({ section }) => section === 'active'), ...ended].filter((entry) =>
    words.every((word) => searched(entry).includes(word)),
  )
}

function ofInbox(entry: InboxEntry): Entry {
  const { kind, work_order: order, sentence, next, since, worst_case_usd: worst } = entry
  return {
    key: order === null ? `${kind}: ${sentence}` : order.id,
    section: 'inbox',
    kind,
    order,
    short: worst === null ? sentence : `at most ${usd(worst)}`,
    sentence,
    next,
    since,
  }
}

function ofOrder(order: ListedWorkOrder): Entry {
  const { id, state, why } = order
  const isEnded = ENDED.has(state)
  return {
    key: id,
    section: isEnded ? 'ended' : 'active',
    kind: state,
    order,
    short: why.short === state ? '' : why.short,
    sentence: why.short,
    next: [],
    since: isEnded ? endOf(order) : order.updated_at,
  }
}

function endOf({ completed_at: completed, updated_at: updated }: WorkOrderView): string {
  return completed === null ? updated : completed
}

function newestFirst(one: Entry, other: Entry): number {
  return String(other.since).localeCompare(String(one.since))
}

function searched({ order, kind, sentence }: Entry): string {
  const ofOrder = order === null ? [] : [shortId(order.id), order.id, order.title, order.project, orderState(order)]
  return [kind.replaceAll('_', ' '), sentence, ...ofOrder].join('\n').toLowerCase()
}

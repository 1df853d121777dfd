import type { EventView } from '../../contract/events.ts'
import type { Why } from '../../contract/why/why.ts'
import type { Question } from './acts.ts'
import { type Entry, entriesOf } from './entries.ts'
import type { Facts } from './facts.ts'
import { emptyLog, type OrderLog, withEvents } from './order-log.ts'

/** A line at the bottom about what was done, or could not be. */
export type Said = { text: string; tone: 'good' | 'bad' | 'plain' }

/** All that the screen shows. */
export type WatchState = {
  /** Null before the first look. */
  facts: Facts | null
  /** Since when the service does not answer, in ms, and what was heard last; null: it answers. */
  lost: { sinceMs: number; reason: string } | null
  view: 'list' | 'order' | 'help'
  /** Key of an entry; null: there is none. */
  selected: string | null
  /** What the list is narrowed to; empty: to nothing. */
  search: string
  /** Whether what is typed goes into the search. */
  typing: boolean
  question: Question | null
  said: Said | null
  /** What happened to the selected order; null: none is selected. */
  log: OrderLog | null
  /** Why the selected order stands where it stands; null: it is not known yet. */
  why: { orderId: string; why: Why } | null
  /** Events of the log below what is seen; 0: its end is. */
  back: number
}

export const FIRST_STATE: WatchState = {
  facts: null,
  lost: null,
  view: 'list',
  selected: null,
  search: '',
  typing: false,
  question: null,
  said: null,
  log: null,
  why: null,
  back: 0,
}

/** What changes the state from outside. */
export type Heard =
  | { type: 'facts'; facts: Facts }
  | { type: 'connected' }
  | { type: 'lost'; reason: string; atMs: number }
  | { type: 'events'; events: readonly EventView[] }
  | { type: 'log_read'; orderId: string; state: OrderLog['state'] }
  | { type: 'why'; orderId: string; why: Why }
  | { type: 'question'; question: Question }
  | { type: 'said'; said: Said }

/** What a key does to the screen alone. */
export type Moved =
  | { type: 'move'; by: number }
  | { type: 'edge'; to: 'first' | 'last' }
  | { type: 'view'; view: WatchState['view'] }
  | { type: 'typing' }
  | { type: 'typed'; text: string }
  | { type: 'erased' }
  | { type: 'search_done'; keep: boolean }
  | { type: 'answered' }

export function entriesIn({ facts, search }: Pick<WatchState, 'facts' | 'search'>): Entry[] {
  return facts === null ? [] : entriesOf(facts, search)
}

export function selectedEntry(state: WatchState): Entry | null {
  const found = entriesIn(state).find(({ key }) => key === state.selected)
  return found === undefined ? null : found
}

export function heard(state: WatchState, what: Heard): WatchState {
  switch (what.type) {
    case 'facts':
      return reselected({ ...state, facts: what.facts }, state)
    case 'connected':
      return { ...state, lost: null }
    case 'lost':
      return { ...state, lost: { sinceMs: state.lost === null ? what.atMs : state.lost.sinceMs, reason: what.reason } }
    case 'events':
      return withNews(state, what.events)
    case 'log_read':
      return state.log?.orderId === what.orderId ? { ...state, log: { ...state.log, state: what.state } } : state
    case 'why':
      return { ...state, why: { orderId: what.orderId, why: what.why } }
    case 'question':
      return { ...state, question: what.question, said: null }
    case 'said':
      return { ...state, said: what.said }
  }
}

/** Who reads further up in the log stays there while it grows. */
function withNews(state: WatchState, events: readonly EventView[]): WatchState {
  if (state.log === null) return state
  const log = withEvents(state.log, events)
  const seen = state.log.events.at(-1 - state.back)
  const place = state.back === 0 || seen === undefined ? -1 : log.events.findLastIndex(({ id }) => id === seen.id)
  return { ...state, log, back: place === -1 ? 0 : log.events.length - 1 - place }
}

export function moved(state: WatchState, what: Moved): WatchState {
  switch (what.type) {
    case 'move':
      return state.view === 'order' ? scrolled(state, state.back - what.by) : chosen(state, indexIn(state) + what.by)
    case 'edge':
      return what.to === 'first' ? toEdge(state, 0, Number.MAX_SAFE_INTEGER) : toEdge(state, Number.MAX_SAFE_INTEGER, 0)
    case 'view':
      return { ...state, view: what.view, back: 0 }
    case 'typing':
      return { ...state, typing: true, view: 'list', said: null }
    case 'typed':
      return searching(state, state.search + what.text)
    case 'erased':
      return searching(state, Array.from(state.search).slice(0, -1).join(''))
    case 'search_done':
      return what.keep ? { ...state, typing: false } : { ...searching(state, ''), typing: false }
    case 'answered':
      return { ...state, question: null }
  }
}

function toEdge(state: WatchState, index: number, back: number): WatchState {
  return state.view === 'order' ? scrolled(state, back) : chosen(state, index)
}

function scrolled(state: WatchState, back: number): WatchState {
  const most = state.log === null ? 0 : state.log.events.length - 1
  return { ...state, back: Math.max(0, Math.min(back, most)) }
}

function searching(state: WatchState, search: string): WatchState {
  return reselected({ ...state, search }, state)
}

function indexIn(state: WatchState): number {
  return entriesIn(state).findIndex(({ key }) => key === state.selected)
}

function chosen(state: WatchState, index: number): WatchState {
  const entries = entriesIn(state)
  const entry = entries[Math.max(0, Math.min(index, entries.length - 1))]
  return withSelected(state, entry === undefined ? null : entry)
}

/** What was selected stays so wherever it stands now; where it is gone, what has its place is. */
function reselected(state: WatchState, before: WatchState): WatchState {
  const entries = entriesIn(state)
  const same = entries.find(({ key }) => key === before.selected)
  return same === undefined ? chosen(state, Math.max(0, indexIn(before))) : withSelected(state, same)
}

function withSelected(state: WatchState, entry: Entry | null): WatchState {
  const orderId = entry === null || entry.order === null ? null : entry.order.id
  const selected = entry === null ? null : entry.key
  if (orderId === null)
    return { ...state, selected, log: null, back: 0, view: state.view === 'order' ? 'list' : state.view }
  if (state.log?.orderId === orderId) return { ...state, selected }
  return { ...state, selected, log: emptyLog(orderId), back: 0 }
}

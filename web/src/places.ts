import type { ListedState } from './api/actions.ts'

export const LIST_STATES = [
  'unapproved',
  'waiting',
  'running',
  'review',
  'blocked',
  'failed',
  'completed',
  'cancelled',
] as const satisfies readonly ListedState[]

/** What the list may be sorted by, and how that is called. */
export const SORTS = {
  created: 'newest',
  updated: 'last changed',
  state: 'what needs you',
  cost: 'dearest',
  attempts: 'most attempts',
  risk: 'riskiest',
  title: 'title',
} as const
export type Sort = keyof typeof SORTS

export function isSort(text: unknown): text is Sort {
  return typeof text === 'string' && Object.hasOwn(SORTS, text)
}

/** What an address of the list says; without `sort` the newest are first. */
export type OrdersSearch = {
  view?: 'lanes'
  state?: ListedState
  project?: string
  find?: string
  sort?: Sort
  reverse?: true
}

/** Goes to another address of the list. It is made from the one gone to last, which need not be shown yet. */
export type ChangeSearch = (search: (now: OrdersSearch) => OrdersSearch) => void

/** Every view, by its address, for who looks for one by its name. One that is not built in is left out. */
export const VIEWS = [
  { path: '/', title: 'Inbox' },
  { path: '/orders', title: 'Orders, as a table' },
  { path: '/orders?view=lanes', title: 'Orders, in lanes' },
  ...LIST_STATES.map((state) => ({ path: `/orders?state=${state}`, title: `Orders: ${state}` })),
  { path: '/new', title: 'New order' },
  { path: '/import', title: 'Import orders' },
  { path: '/numbers', title: 'Numbers' },
  { path: '/operate', title: 'Operate' },
] as const

/** Ranges that end today; 30 days are shown without one. */
export const RANGES = ['7d', '90d', '365d', 'month'] as const

/** What an address of the numbers says: a range that moves on with the days, or the first and the last day. */
export type NumbersSearch = {
  range?: (typeof RANGES)[number]
  from?: string
  to?: string
  project?: string
  /** `UTC` without one. */
  tz?: string
}

/** Parts of an order that have an address; without one, what matters first of an order that stands where it stands. */
export const ORDER_PARTS = ['asked', 'attempts', 'log', 'tries', 'diff', 'checks', 'routing'] as const
export type OrderPart = (typeof ORDER_PARTS)[number]

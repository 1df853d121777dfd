import type { Status } from './status.ts'

type Rule = {
  status: Status
  /** Whether it waits for its pull request; null: it does not matter. */
  inReview: boolean | null
  /** Null: it does not matter. */
  approved: boolean | null
}

/** Where an order stands for whoever looks. By these rules each order is in exactly one of the states, which are derived and never set. */
export const ORDER_STATE_RULES = {
  unapproved: { status: 'pending', inReview: null, approved: false },
  waiting: { status: 'pending', inReview: null, approved: true },
  running: { status: 'in_progress', inReview: false, approved: null },
  review: { status: 'in_progress', inReview: true, approved: null },
  blocked: { status: 'blocked', inReview: null, approved: null },
  failed: { status: 'failed', inReview: null, approved: null },
  completed: { status: 'completed', inReview: null, approved: null },
  cancelled: { status: 'cancelled', inReview: null, approved: null },
} as const satisfies Record<string, Rule>

export type OrderState = keyof typeof ORDER_STATE_RULES

/** Makes the same of every state, by its name. */
export function forEachState<Result>(make: (state: OrderState) => Result): Record<OrderState, Result> {
  return {
    unapproved: make('unapproved'),
    waiting: make('waiting'),
    running: make('running'),
    review: make('review'),
    blocked: make('blocked'),
    failed: make('failed'),
    completed: make('completed'),
    cancelled: make('cancelled'),
  }
}

export const ORDER_STATES = Object.values(forEachState((state) => state))

/** @param order.phase also one that a newer version has written */
export function orderState(order: { status: Status; phase: string | null; approved: boolean }): OrderState {
  const isIn = ({ status, inReview, approved }: Rule) =>
    order.status === status &&
    (inReview === null || (order.phase === 'in_review') === inReview) &&
    (approved === null || order.approved === approved)
  const found = ORDER_STATES.find((state) => isIn(ORDER_STATE_RULES[state]))
  if (found === undefined) throw new Error(`no state is for an order that is ${order.status}`)
  return found
}

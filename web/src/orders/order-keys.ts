import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type Verb, verbsOf } from '../api/actions.ts'
import type { ListedOrder } from '../api/client.ts'
import { useAsk, useMay } from '../ui/acting.tsx'
import { useAsCurrent } from '../ui/current-order.ts'
import { useKeys } from '../ui/keys.ts'

/** The keys of the list; the order they mean stays the same when others come before it. */
export function useOrderKeys(orders: readonly ListedOrder[], toggle: (order: ListedOrder) => void) {
  const [current, setCurrent] = useState<string | null>(null)
  const ask = useAsk()
  const may = useMay()
  const navigate = useNavigate()
  const found = orders.findIndex(({ id }) => id === current)
  const at = found === -1 ? 0 : found
  const order = orders[at]
  useAsCurrent(order)
  const setAt = (index: number) => {
    const next = orders[Math.max(0, Math.min(orders.length - 1, index))]
    if (next !== undefined) setCurrent(next.id)
  }
  const act = (...verbs: readonly Verb[]) => {
    const verb = order === undefined ? undefined : verbs.find((one) => verbsOf(order).includes(one))
    if (verb !== undefined && order !== undefined && may(verb)) ask({ verb, orders: [order] })
  }
  useKeys({
    j: () => setAt(at + 1),
    k: () => setAt(at - 1),
    Enter: () => {
      if (order !== undefined) void navigate({ to: '/orders/$id', params: { id: order.id } })
    },
    s: () => {
      if (order !== undefined) toggle(order)
    },
    a: () => act('approve'),
    m: () => act('merge'),
    r: () => act('retry'),
    x: () => act('reject', 'cancel'),
  })
  return { at, setAt }
}

/** Selected orders, as they were when they were selected: they may have been scrolled out of what is loaded. */
export type Selection = {
  chosen: ReadonlyMap<string, ListedOrder>
  toggle: (order: ListedOrder) => void
  /** Selects these too, or none of all. */
  choose: (orders: readonly ListedOrder[] | 'none') => void
}

export function useSelection(): Selection {
  const [chosen, setChosen] = useState<ReadonlyMap<string, ListedOrder>>(new Map())
  return {
    chosen,
    toggle: (order) => {
      const after = new Map(chosen)
      if (!after.delete(order.id)) after.set(order.id, order)
      setChosen(after)
    },
    choose: (orders) => setChosen(orders === 'none' ? new Map() : new Map([...chosen, ...orders.map(keyed)])),
  }
}

function keyed(order: ListedOrder): [string, ListedOrder] {
  return [order.id, order]
}

import { useEffect, useSyncExternalStore } from 'react'
import type { Order } from '../api/client.ts'

/** The order that keys mean, on whatever view; for the palette, which stands above all of them. */
let current: Order | null = null
const told = new Set<() => void>()

function set(order: Order | null): void {
  current = order
  for (const tell of told) tell()
}

/** Says which order keys mean while this view is shown. */
export function useAsCurrent(order: Order | null | undefined): void {
  useEffect(() => {
    set(order === undefined ? null : order)
    return () => set(null)
  }, [order])
}

export function useCurrentOrder(): Order | null {
  return useSyncExternalStore(
    (tell) => {
      told.add(tell)
      return () => told.delete(tell)
    },
    () => current,
  )
}

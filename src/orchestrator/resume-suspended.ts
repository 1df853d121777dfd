import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import { promisedUsd, releaseOrder, type SuspendedOrder, suspendedOrders } from '../db/suspended-orders.ts'
import { type GivenAway, neededUsd } from './resume-conditions.ts'

export type Resuming = {
  /** Whether the condition an order waits for is back. */
  mayGoOn: (order: SuspendedOrder, given: GivenAway) => Promise<boolean>
  /** One order that cannot be judged is in nobody's way. */
  onError: (error: unknown) => void
}

/**
 * Makes suspended orders pending whose condition is back, oldest first; their attempts go on when they are claimed.
 *
 * What one is let go on for counts as spent for those after it until it has reserved that itself (`promisedUsd`), so a
 * room for one call lets one order go on and not forty. An older order that needs more than there is holds up nobody.
 */
export async function resumeSuspended(db: Kysely<Database>, { mayGoOn, onError }: Resuming): Promise<void> {
  const released: SuspendedOrder[] = []
  let promised = await promisedUsd(db)
  for (const order of await suspendedOrders(db)) {
    const isBack = await mayGoOn(order, { promised, released }).catch((error: unknown) => {
      onError(error)
      return false
    })
    if (!isBack) continue
    const needed = neededUsd(order.reason)
    if (!(await releaseOrder(db, order.id, needed))) continue
    released.push(order)
    if (needed !== null) promised = promised.plus(needed)
  }
}

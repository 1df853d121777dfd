import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import { type ReleasedFor, releaseOrder, type SuspendedOrder, suspendedOrders } from '../db/suspended-orders.ts'

export type Resuming = {
  /** Null: the condition an order waits for is not back. */
  mayGoOn: (order: SuspendedOrder) => Promise<ReleasedFor | null>
  /** One order that cannot be judged is in nobody's way. */
  onError: (error: unknown) => void
}

/**
 * Makes suspended orders pending whose condition is back, oldest first; their attempts go on when they are claimed. One
 * that needs more than there is holds up nobody.
 */
export async function resumeSuspended(db: Kysely<Database>, { mayGoOn, onError }: Resuming): Promise<void> {
  for (const order of await suspendedOrders(db)) {
    try {
      const releasedFor = await mayGoOn(order)
      if (releasedFor !== null) await releaseOrder(db, order.id, releasedFor)
    } catch (error) {
      onError(error)
    }
  }
}

import { releaseOrder } from '../db/released-orders.ts'
import { suspendedOrders } from '../db/suspended-orders.ts'
import { type ConditionSources, mayGoOn, readConditions } from './resume-conditions.ts'

/**
 * Makes suspended orders pending whose condition is back, in the order in which they wait; their attempts go on when
 * they are claimed. One that needs more than there is holds up nobody.
 *
 * @param onError told of what cannot be read, and of every order that cannot be changed; neither is in the way of others
 */
export async function resumeSuspended(sources: ConditionSources, onError: (error: unknown) => void): Promise<void> {
  try {
    await letGoOn(sources, onError)
  } catch (error) {
    onError(error)
  }
}

async function letGoOn(sources: ConditionSources, onError: (error: unknown) => void): Promise<void> {
  const waiting = await suspendedOrders(sources.db)
  if (waiting.length === 0) return
  const conditions = await readConditions(sources, waiting)
  for (const order of waiting) {
    const releasedFor = mayGoOn(conditions, order)
    if (releasedFor !== null) await releaseOrder(sources.db, order.id, releasedFor).catch(onError)
  }
}

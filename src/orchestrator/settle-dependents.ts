import type { Kysely } from 'kysely'
import type { WorkOrderView } from '../contract/work-orders.ts'
import type { Database } from '../db/schema.ts'
import { type Dependency, unmetDependencies, unsettledDependents } from '../db/work-orders/dependencies.ts'
import { moveWorkOrder } from '../db/work-orders/work-orders.ts'
import { Fault } from '../faults/fault.ts'
import { behindDependencies, hasEnded } from './why/dependencies.ts'

type Db = Kysely<Database>

/**
 * Blocks the orders whose dependency has ended without a merge, or was reverted, and makes those pending again whose dependency was
 * retried, or merged again.
 *
 * @param onError called for each order that cannot be changed; the others still are
 */
export async function settleDependents(db: Db, onError: (error: unknown) => void): Promise<void> {
  const { blocked, released } = await unsettledDependents(db)
  for (const { id, unmet } of blocked) {
    const reason = unmetFault(id, unmet).toRecord()
    await moveWorkOrder(db, id, { from: ['pending'], to: 'blocked', reason }).catch(onError)
  }
  const because = 'what it depends on was retried, or is merged'
  for (const { id } of released)
    await moveWorkOrder(db, id, { from: ['blocked'], to: 'pending', reason: null, because }).catch(onError)
}

/** @throws {Fault} `dependency_unmet` while an order it depends on is not merged, or was reverted */
export async function assertDependenciesMet(db: Db, id: string): Promise<void> {
  const unmet = await unmetDependencies(db, id)
  if (unmet.length > 0) throw unmetFault(id, unmet)
}

/** @throws {Fault} `dependency_unmet` for one that would be blocked again at once: what it depends on has ended without a merge, or was reverted */
export async function assertNotHeldBack(db: Db, { id, status, status_reason: reason }: WorkOrderView): Promise<void> {
  if (status !== 'blocked' || reason?.code !== 'dependency_unmet') return
  const unmet = await unmetDependencies(db, id)
  if (unmet.some(hasEnded)) throw unmetFault(id, unmet)
}

function unmetFault(id: string, waitsFor: readonly Dependency[]): Fault {
  const { sentence, next, orders } = behindDependencies({ id, waitsFor, attempt: null })
  const message = `Work order ${id} cannot start. ${sentence}   ${next.slice(0, 1).join('')}`
  return new Fault('dependency_unmet', message, { id, orders: orders.join(' ') })
}

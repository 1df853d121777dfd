import type { Kysely } from 'kysely'
import type { ApproveWorkOrder } from '../../contract/why/approve.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import type { Status } from '../../work-order/status.ts'
import type { Database } from '../schema.ts'
import { recordEvent } from '../work-order-events.ts'
import { allowChanges } from './allowed-changes.ts'
import { CONTENT_HASH, isApproved } from './order-conditions.ts'
import { changedSince, findWorkOrder, mergedMetadata, moveWorkOrder, wrongStatus } from './work-orders.ts'

type Db = Kysely<Database>

/** A failed order is corrected, approved again and retried. */
const APPROVABLE: readonly Status[] = ['pending', 'blocked', 'failed']

/**
 * Approves the order as it stands now, and allows changes of it. Where everything that held it is allowed now, its attempt
 * goes on.
 *
 * @param wish.content_sha256 what it has to ask for; left out: whatever it does
 * @param because what the event says
 * @throws {Fault} `work_order_conflict` when it has ended, or asks for something else
 */
export async function approveWorkOrder(
  db: Db,
  idOrPrefix: string,
  wish: ApproveWorkOrder = NOTHING_MORE,
  because = 'approved',
): Promise<WorkOrderView> {
  const { id } = await findWorkOrder(db, idOrPrefix)
  const allowsMore = wish.allow_all_protected || wish.allow.length + wish.allow_secrets.length > 0
  await db.transaction().execute(async (transaction) => {
    const order = await transaction
      .selectFrom('work_orders')
      .select(['id', 'status', 'phase', 'metadata', CONTENT_HASH.as('content_sha256')])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirstOrThrow()
    if (!APPROVABLE.includes(order.status)) throw wrongStatus(order, 'approved')
    if (wish.content_sha256 !== undefined && wish.content_sha256 !== order.content_sha256)
      throw changedSince(order, 'approved')
    if (!isApproved(order.metadata)) await approve(transaction, id, because)
    if (allowsMore && (await allowChanges(transaction, id, wish)))
      await moveWorkOrder(transaction, id, { from: ['blocked'], to: 'pending', reason: null })
  })
  return findWorkOrder(db, id)
}

const NOTHING_MORE: ApproveWorkOrder = { allow: [], allow_secrets: [], allow_all_protected: false }

async function approve(db: Db, id: string, message: string): Promise<void> {
  await db
    .updateTable('work_orders')
    .set({ metadata: mergedMetadata({ approved_by_director: true }) })
    .where('id', '=', id)
    .execute()
  await recordEvent(db, { workOrderId: id, type: 'approved', message })
}

import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import { findWorkOrder } from '../db/work-orders/work-orders.ts'
import { Fault } from '../faults/fault.ts'
import type { RoutingReview } from '../http/http-services.ts'
import { explainRoute, replayRoutes } from '../manager/review.ts'
import { describeProblems, fieldProblems, WorkOrderContent } from '../work-order/content.ts'
import type { Parts } from './adapters.ts'

/** What our own Manager decides now, and would have decided. */
export function routingReview(db: Kysely<Database>, { ownManager, models }: Parts): RoutingReview {
  return {
    async explain(idOrPrefix) {
      const order = await findWorkOrder(db, idOrPrefix)
      const content = WorkOrderContent.safeParse(order)
      if (!content.success) {
        const problems = describeProblems(fieldProblems(content.error))
        throw new Fault('work_order_invalid', `The work order cannot be routed: ${problems}.`, { id: order.id })
      }
      return explainRoute({ db, manager: ownManager }, { id: order.id, title: order.title, content: content.data })
    },
    replay: (limit) => replayRoutes({ db, models }, limit),
  }
}

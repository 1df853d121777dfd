import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { NewWorkOrder, WorkOrderView } from '../../contract/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { statedUsd } from '../../money.ts'
import { type DependencyProblem, dependenciesWithin, type NamedOrder } from '../../work-order/dependencies.ts'
import { findProjectByName, listProjects } from '../projects.ts'
import type { Database } from '../schema.ts'
import { recordEvent } from '../work-order-events.ts'
import { findWorkOrder } from './work-orders.ts'

type Db = Kysely<Database>

/**
 * Stores new orders, all or none.
 *
 * @throws {Fault} `not_found` for an unknown project; `work_order_invalid` for dependencies that are none or make a circle;
 *   `work_order_not_found` for one that is not there
 */
export async function addWorkOrders(db: Db, orders: readonly NewWorkOrder[]): Promise<WorkOrderView[]> {
  const { named, problems } = dependenciesWithin(orders)
  if (problems.length > 0) throw notWithin(orders, problems)
  return db.transaction().execute(async (transaction) => {
    const ids = orders.map(() => randomUUID())
    const added: WorkOrderView[] = []
    for (const [index, order] of orders.entries()) {
      const needed = named[index] ?? []
      const dependencies = await idsOf(transaction, needed, ids)
      added.push(await addWorkOrder(transaction, order, { id: String(ids[index]), dependencies }))
    }
    return added
  })
}

/** @throws {Fault} `work_order_not_found` */
async function idsOf(db: Db, named: readonly NamedOrder[], ids: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const one of named) found.push('at' in one ? String(ids[one.at]) : (await findWorkOrder(db, one.id)).id)
  return [...new Set(found)]
}

const MOST_TOLD = 20

function notWithin(orders: readonly NewWorkOrder[], problems: readonly DependencyProblem[]): Fault {
  const told = problems.slice(0, MOST_TOLD).map(({ order, entry, reason }) => {
    const field = entry === null ? 'depends_on' : `depends_on[${entry}]`
    return `${field} of "${orders[order]?.title}" ${reason}`
  })
  const more = problems.length > told.length ? `; and ${problems.length - told.length} more` : ''
  return new Fault('work_order_invalid', `Nothing was filed: ${told.join('; ')}${more}.`)
}

async function addWorkOrder(
  db: Db,
  { context = [], ...order }: NewWorkOrder,
  { id, dependencies }: { id: string; dependencies: readonly string[] },
): Promise<WorkOrderView> {
  const projectId = await projectIdFor(db, order.project)
  await db
    .insertInto('work_orders')
    .values({
      id,
      title: order.title,
      description: order.description,
      acceptance_criteria: JSON.stringify(order.acceptance_criteria),
      files_in_scope: JSON.stringify(order.files_in_scope),
      context: JSON.stringify(context),
      risk_level: order.risk_level,
      project_id: projectId,
      budget_usd:
        order.budget_usd === undefined || order.budget_usd === null ? null : statedUsd(order.budget_usd).toFixed(),
      metadata: JSON.stringify({
        ...(order.approved ? { approved_by_director: true } : {}),
        ...(dependencies.length === 0 ? {} : { dependencies }),
      }),
    })
    .execute()
  await recordEvent(db, { workOrderId: id, type: 'added', message: order.approved ? 'added, approved' : 'added' })
  return findWorkOrder(db, id)
}

/** Null while there is no project yet: the order then waits for the first one. @throws {Fault} `project_required` */
async function projectIdFor(db: Db, name: string | undefined): Promise<string | null> {
  if (name !== undefined) return (await findProjectByName(db, name)).id
  const projects = await listProjects(db)
  const [project, second] = projects
  if (second === undefined) return project === undefined ? null : project.id
  const names = projects.map((each) => each.name).join(', ')
  const message = `There are several projects: ${names}. Name one: --project, or "project" in the order.`
  throw new Fault('project_required', message)
}

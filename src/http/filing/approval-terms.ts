import type { Ceiling } from '../../budget/ceilings.ts'
import { ceilingsOfOrders } from '../../budget/headroom.ts'
import { MOOSE } from '../../contract/actor.ts'
import { recordIn } from '../../contract/evidence/pull-request-record.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import { actingAs } from '../../db/audit/acting-as.ts'
import { reasonOf } from '../../db/database-fault.ts'
import { allProjects, listProjects } from '../../db/projects.ts'
import { approveWorkOrder } from '../../db/work-orders/approve-work-order.ts'
import { scopeHistories } from '../../db/work-orders/scope-history.ts'
import { createRisks } from '../../director/order-risk.ts'
import { isApprovedByRule, riskOf } from '../../director/risk-rules.ts'
import { Fault } from '../../faults/fault.ts'
import { faultOfRow } from '../../orchestrator/malformed-rows.ts'
import type { RiskLevel } from '../../work-order/content.ts'
import { NO_HISTORY, type Risk, type ScopeHistory } from '../../work-order/risk.ts'
import type { HttpDeps } from '../http-deps.ts'
import { approvalOf } from '../inbox/approval.ts'
import { projectOf, withVerification } from '../verification.ts'

type Deps = Pick<HttpDeps, 'db' | 'adapters' | 'log'>
type Judged<Order> = Order & { risk: Risk; auto_approve: RiskLevel | null; worst_case_usd: number | null }

/**
 * Orders with what a decision about them takes: what verifies them, their risk, and the most they may cost.
 *
 * @param read their caps, where these are read already; null: they cannot be read
 */
export async function withTerms<Order extends WorkOrderView>(
  deps: Deps,
  orders: readonly Order[],
  read?: ReadonlyMap<string, readonly Ceiling[]> | null,
): Promise<Judged<Order>[]> {
  const projects = await allProjects(deps.db)
  const allowed = new Map((await listProjects(deps.db)).map(({ name, auto_approve: most }) => [name, most]))
  const ids = orders.map(({ id }) => id)
  const ceilings = read === undefined ? await ceilingsOfOrders(deps.db, ids).catch(faultOfRow) : read
  const verified = await withVerification(deps, orders)
  const histories = await historiesOf(deps, projects, verified)
  return verified.map((order) => {
    const { id, verification = null, protected_scope = [] } = order
    const history = histories.get(id) ?? NO_HISTORY
    const checks = verification === null ? null : verification.checks
    const risk = riskOf({ ...order, changed_files: [], protected_scope, checks, history })
    const own = ceilings === null || ceilings instanceof Fault ? undefined : ceilings.get(id)
    const { worstCaseUsd } = approvalOf(order, own === undefined ? null : own)
    const most = order.project === null ? undefined : allowed.get(order.project)
    return { ...order, risk, auto_approve: most === undefined ? null : most, worst_case_usd: worstCaseUsd }
  })
}

/** Of the orders whose project is there, by their ids. */
async function historiesOf(
  { db }: Pick<Deps, 'db'>,
  projects: Awaited<ReturnType<typeof allProjects>>,
  orders: readonly WorkOrderView[],
): Promise<ReadonlyMap<string, ScopeHistory>> {
  const scopes = orders.flatMap((order) => {
    const project = projectOf(projects, order)
    return project === null ? [] : [{ id: order.id, projectId: project.id, files: order.files_in_scope }]
  })
  const found = await scopeHistories(db, scopes)
  return new Map(scopes.flatMap(({ id }, index) => (found[index] === undefined ? [] : [[id, found[index]]])))
}

/**
 * The risk of an order that has begun, as the rules judge it now.
 *
 * @param body of its pull request, whose checks and changed files count; null: it has none. Where no record of them is there, the
 *   checks of its base count
 */
export async function riskNow(deps: Deps, order: WorkOrderView, body: string | null): Promise<Risk> {
  const record = body === null ? null : recordIn(body)
  const checks = record === null ? await checksOfBase(deps, order) : record.checks.length
  const changed_files = record === null ? [] : record.files.map(({ path }) => path)
  const project = projectOf(await allProjects(deps.db), order)
  if (project === null) return riskOf({ ...order, changed_files, protected_scope: [], checks, history: NO_HISTORY })
  return await createRisks(deps.db)({ ...order, changed_files, project_id: project.id, checks })
}

/** Of a repository on this machine it takes git. */
async function checksOfBase(deps: Deps, order: WorkOrderView): Promise<number | null> {
  const [verified] = await withVerification(deps, [order])
  const verification = verified?.verification
  return verification === undefined || verification === null ? null : verification.checks
}

/**
 * Approves those of new orders whose risk their project has approved by rule; the others wait for a human, and so does one that
 * cannot be judged or approved now: they are filed, and an answer that they are not would have them filed twice.
 *
 * @returns them with their terms, as far as these can be read
 */
export async function approvedByRule(
  deps: Deps,
  stored: readonly WorkOrderView[],
): Promise<(WorkOrderView | Judged<WorkOrderView>)[]> {
  try {
    const after: Judged<WorkOrderView>[] = []
    for (const order of await withTerms(deps, stored)) {
      const { auto_approve: most } = order
      const isAllowed = most !== null && isApprovedByRule(order.risk, most)
      after.push(
        isAllowed && !order.approved ? await approvedUpTo(most, order, deps).catch(waiting(deps, order)) : order,
      )
    }
    return after
  } catch (error) {
    deps.log.error({ reason: reasonOf(error) }, 'new orders were not judged by rule, and wait for a human')
    return [...stored]
  }
}

async function approvedUpTo<Order extends Judged<WorkOrderView>>(
  most: string,
  order: Order,
  { db }: Pick<Deps, 'db'>,
): Promise<Order> {
  const { id, risk, auto_approve, worst_case_usd, content_sha256 } = order
  const because = `approved by rule: its risk is ${risk.level}, and up to ${most} is allowed`
  const wish = { allow: [], allow_secrets: [], allow_all_protected: false, content_sha256 }
  const now = await approveWorkOrder(actingAs(db, MOOSE), id, wish, because)
  return { ...order, ...now, risk, auto_approve, worst_case_usd }
}

function waiting<Order extends WorkOrderView>({ log }: Pick<Deps, 'log'>, order: Order): (error: unknown) => Order {
  return (error) => {
    log.error({ work_order_id: order.id, reason: reasonOf(error) }, 'an order was not approved by rule, and waits')
    return order
  }
}

import { ceilingsOfOrders } from '../../budget/headroom.ts'
import { MOOSE } from '../../contract/actor.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import { actingAs } from '../../db/audit/acting-as.ts'
import { allProjects, listProjects } from '../../db/projects.ts'
import { approveWorkOrder } from '../../db/work-orders/approve-work-order.ts'
import { scopeHistory } from '../../db/work-orders/scope-history.ts'
import { isApprovedByRule, riskOf } from '../../director/risk-rules.ts'
import { Fault } from '../../faults/fault.ts'
import { faultOfRow } from '../../orchestrator/malformed-rows.ts'
import { NO_HISTORY, type Risk } from '../../work-order/risk.ts'
import type { HttpDeps } from '../http-deps.ts'
import { approvalOf } from '../inbox/approval.ts'
import { projectOf, withVerification } from '../verification.ts'

type Deps = Pick<HttpDeps, 'db' | 'adapters' | 'log'>
type Judged<Order> = Order & { risk: Risk; worst_case_usd: number | null }

/** Orders with what a decision about them takes: what verifies them, their risk, and the most they may cost. */
export async function withTerms<Order extends WorkOrderView>(
  deps: Deps,
  orders: readonly Order[],
): Promise<Judged<Order>[]> {
  const projects = await allProjects(deps.db)
  const ids = orders.map(({ id }) => id)
  const ceilings = await ceilingsOfOrders(deps.db, ids).catch(faultOfRow)
  const judged: Judged<Order>[] = []
  for (const order of await withVerification(deps, orders)) {
    const project = projectOf(projects, order)
    const { id, verification = null, protected_scope = [], files_in_scope: files } = order
    const history = project === null ? NO_HISTORY : await scopeHistory(deps.db, { id, projectId: project.id, files })
    const checks = verification === null ? null : verification.checks
    const risk = riskOf({ ...order, protected_scope, checks, history })
    const own = ceilings instanceof Fault ? undefined : ceilings.get(id)
    const { worstCaseUsd } = approvalOf(order, own === undefined ? null : own)
    judged.push({ ...order, risk, worst_case_usd: worstCaseUsd })
  }
  return judged
}

/**
 * Approves those of new orders whose risk their project has approved by rule; the others wait for a human.
 *
 * @param orders with their terms
 */
export async function approvedByRule(
  { db }: Deps,
  orders: readonly Judged<WorkOrderView>[],
): Promise<Judged<WorkOrderView>[]> {
  const allowed = new Map((await listProjects(db)).map(({ name, auto_approve: most }) => [name, most]))
  const after: Judged<WorkOrderView>[] = []
  for (const order of orders) {
    const { id, approved, risk, worst_case_usd, project, content_sha256 } = order
    const most = project === null ? undefined : allowed.get(project)
    const isByRule = !approved && most !== undefined && isApprovedByRule(risk, most)
    if (!isByRule) {
      after.push(order)
      continue
    }
    const because = `approved by rule: its risk is ${risk.level}, and up to ${most} is allowed`
    const wish = { allow: [], allow_secrets: [], allow_all_protected: false, content_sha256 }
    const now = await approveWorkOrder(actingAs(db, MOOSE), id, wish, because)
    after.push({ ...order, ...now, risk, worst_case_usd })
  }
  return after
}

import { type ApproveChosen, type ApproveChosenResponse, MOST_CHOSEN } from '../../contract/why/approve-chosen.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import { findProjectByName } from '../../db/projects.ts'
import { approveWorkOrder } from '../../db/work-orders/approve-work-order.ts'
import { listWorkOrders } from '../../db/work-orders/list-work-orders.ts'
import { changedSince, findWorkOrder, wrongStatus } from '../../db/work-orders/work-orders.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { isAtMost } from '../../work-order/risk.ts'
import type { HttpDeps } from '../http-deps.ts'
import { withTerms } from './approval-terms.ts'

type Deps = Pick<HttpDeps, 'db' | 'adapters' | 'log'>
type Judged = Awaited<ReturnType<typeof withTerms<WorkOrderView>>>[number]
type Answer = Omit<ApproveChosenResponse, 'success'>

/**
 * The pending orders that a choice means, with what approving them allows; those it confirms are approved as they were answered
 * before, each for itself.
 *
 * @throws {Fault} `not_found` for an unknown project
 */
export async function approveChosen(deps: Deps, choice: ApproveChosen): Promise<Answer> {
  const { chosen, above, isCut } = await choose(deps, choice)
  const known = chosen.flatMap(({ worst_case_usd: worst }) => (worst === null || worst === undefined ? [] : [worst]))
  const { approved, refused } = await approveConfirmed(deps, choice, chosen)
  return {
    chosen,
    worst_case_usd: known.reduce((sum, one) => sum + one, 0),
    unbounded: chosen.length - known.length,
    above: aboveOf(above),
    is_cut: isCut,
    approved,
    refused,
  }
}

async function choose(
  deps: Deps,
  { project, risk: most, title, filed_before: before }: ApproveChosen,
): Promise<{ chosen: WorkOrderView[]; above: Judged[]; isCut: boolean }> {
  if (project !== undefined) await findProjectByName(deps.db, project)
  const page = { reading: { sort: 'created', reverse: false }, limit: MOST_CHOSEN } as const
  const { orders, next } = await listWorkOrders(deps.db, { states: ['unapproved'], project }, page)
  const words = title === undefined ? [] : title.toLowerCase().trim().split(/\s+/)
  const latest = before === undefined ? Number.POSITIVE_INFINITY : Date.parse(before)
  const found: WorkOrderView[] = []
  for (const { id, created_at } of orders.toReversed())
    if (Date.parse(created_at) < latest) found.push(await findWorkOrder(deps.db, id))
  const meant = found.filter((order) => words.every((word) => order.title.toLowerCase().includes(word)))
  const judged = await withTerms(deps, meant)
  const [chosen = [], above = []] = [true, false].map((fits) =>
    judged.filter(({ risk }) => (most === undefined || isAtMost(risk.level, most)) === fits),
  )
  return { chosen, above, isCut: next !== null }
}

/** By level and the first rule that says so. */
function aboveOf(orders: readonly Judged[]): Answer['above'] {
  const alike = Map.groupBy(orders, ({ risk: { level, reasons } }) => `${level} ${reasons[0]?.rule}`)
  return [...alike.values()].flatMap((some) => {
    const [first] = some
    const rule = first?.risk.reasons[0]?.rule
    return first === undefined || rule === undefined ? [] : [{ level: first.risk.level, rule, orders: some.length }]
  })
}

async function approveConfirmed(
  deps: Deps,
  { confirm = [], allow, allow_secrets, allow_all_protected }: ApproveChosen,
  chosen: readonly WorkOrderView[],
): Promise<Pick<Answer, 'approved' | 'refused'>> {
  const approved: WorkOrderView[] = []
  const refused: Answer['refused'] = []
  for (const { work_order_id, content_sha256 } of confirm) {
    try {
      if (chosen.every(({ id }) => id !== work_order_id))
        throw notChosen(await findWorkOrder(deps.db, work_order_id), content_sha256)
      const wish = { content_sha256, allow, allow_secrets, allow_all_protected }
      const order = await approveWorkOrder(deps.db, work_order_id, wish)
      approved.push(...(await withTerms(deps, [order])))
    } catch (error) {
      refused.push({ work_order_id, error: toFault(error).toRecord() })
    }
  }
  return { approved, refused }
}

/** What was answered before has another content, state or risk by now. */
function notChosen(order: WorkOrderView, content: string): Fault {
  const { id, status, approved } = order
  if (order.content_sha256 !== content)
    return changedSince({ id, content_sha256: String(order.content_sha256) }, 'approved')
  if (status !== 'pending') return wrongStatus(order, 'approved')
  const why = approved ? 'it is approved already' : 'it is not among those that are chosen now'
  return new Fault(
    'work_order_conflict',
    `Work order ${id} was not approved: ${why}. See it with: moose show ${id.slice(0, 8)}`,
    { id },
  )
}

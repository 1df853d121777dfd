import type { Kysely } from 'kysely'
import { type MergedBy, mergedByText } from '../contract/evidence/merged-by.ts'
import type { AttemptKey } from '../db/attempts/attempts.ts'
import { recordPullRequestEvent } from '../db/github-events.ts'
import type { PullRequestBrief } from '../db/pull-requests/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import { lockOrderStanding, type OrderStanding, pointAtPullRequest } from '../db/work-orders/order-standing.ts'
import { moveWorkOrder } from '../db/work-orders/work-orders.ts'
import { Fault, type FaultRecord } from '../faults/fault.ts'
import { type Standing, standing, standsOn } from '../work-order/standing.ts'

type Db = Kysely<Database>
/** With what merged it, where that is known; `lost`: it was closed here alone, and why. */
type Changed = PullRequestBrief & { merged_by?: MergedBy | null; lost?: string | undefined }

/**
 * Moves an order to the status its pull requests call for, with an event that says why.
 *
 * @param order locked, with its pull requests as they stand now
 * @param pull the pull request whose change is the reason
 */
export async function moveByPullRequests(
  transaction: Db,
  order: OrderStanding,
  next: Standing<PullRequestBrief>,
  pull: Changed,
): Promise<void> {
  const from = { from: [order.status], byPullRequest: true }
  if (next.to === 'cancelled') {
    const cancelled = { reason: closedReason(pull), because: happened(pull), metadata: { merge_sha: null } }
    await moveWorkOrder(transaction, order.id, { ...from, to: next.to, ...cancelled })
    return
  }
  await pointAtPullRequest(transaction, order, next.on)
  const because = [happened(pull), ...besides(order, next, pull)].join('; ')
  const where =
    next.to === 'completed' ? { metadata: { merge_sha: next.on.merge_sha } } : { phase: 'in_review' as const }
  await moveWorkOrder(transaction, order.id, { ...from, to: next.to, reason: null, because, ...where })
}

/**
 * Puts the order of an attempt that has ended without a success in review with its open pull request, if it has one: one of
 * an earlier attempt that was reopened meanwhile, or one this attempt had opened before it was held. The latter was not
 * recorded as opened yet.
 */
export async function fallBackOnPullRequest(transaction: Db, { workOrderId, attempt }: AttemptKey): Promise<void> {
  const order = await lockOrderStanding(transaction, workOrderId)
  const next = standing(order, order.pulls)
  if (next?.to !== 'in_progress') return
  const { number, branch, url } = next.on
  if (next.on.attempt === attempt) {
    await recordPullRequestEvent(transaction, {
      workOrderId,
      action: 'opened',
      number,
      branch,
      metadata: { pr_url: url },
    })
  }
  await pointAtPullRequest(transaction, order, next.on)
  const because = `attempt ${attempt} has ended, and ${named(next.on)} is open`
  const move = { from: [order.status], to: next.to, phase: 'in_review', reason: null, because } as const
  await moveWorkOrder(transaction, order.id, { ...move, byPullRequest: true })
}

/** Records a change of a pull request that does not move its order. */
export async function tellOfPullRequest(transaction: Db, order: OrderStanding, pull: Changed): Promise<void> {
  const { state, attempt, number } = pull
  await recordEvent(transaction, {
    workOrderId: order.id,
    attempt,
    type: 'status',
    message: `${happened(pull)}; ${staysAs(order, pull)}`,
    data: { pr_number: number, pr_state: state },
  })
}

function staysAs(order: OrderStanding, { state }: PullRequestBrief): string {
  if (order.status === 'completed') return 'the order was completed before'
  const first = state === 'open' ? '; the pull request that is merged first completes the order' : ''
  const continues = order.isUnderWay && (order.status === 'in_progress' || order.status === 'blocked')
  if (continues) return `attempt ${order.attempts} continues${first}`
  const on = standsOn(order, order.pulls)
  if (order.phase === 'in_review' && on !== null) return `the order stays in review with ${named(on)}${first}`
  return `the order stays ${order.status}`
}

/** What else there is to know about the pull requests of an order that moves. */
function besides(order: OrderStanding, next: { to: string; on: PullRequestBrief }, pull: PullRequestBrief): string[] {
  const open = order.pulls.filter((one) => one.state === 'open' && one !== next.on)
  const left = open.map((one) => `${named(one)} is still open: close it on GitHub if it is not wanted`)
  if (next.to === 'completed') return left
  return next.on === pull ? [] : [`${named(next.on)} is open`]
}

function happened(pull: Changed): string {
  if (pull.lost !== undefined) return `${named(pull)} is given up, and nothing was closed: ${pull.lost}`
  const by = pull.state === 'merged' ? mergedByText(pull.merged_by ?? null) : ''
  return `${named(pull)} was ${pull.state === 'open' ? 'reopened' : pull.state}${by}`
}

function named({ number, attempt }: PullRequestBrief): string {
  return `pull request #${number} of attempt ${attempt}`
}

function closedReason({ number, lost }: Changed): FaultRecord {
  if (lost !== undefined) {
    const message = `Nothing was closed of pull request #${number}: ${lost}. Should it be seen open again, the order is in review with it again.`
    return new Fault('pull_request_lost', message, { number }).toRecord()
  }
  const message = `Pull request #${number} was closed without a merge, or its branch was deleted.`
  return new Fault('pull_request_closed', message, { number }).toRecord()
}

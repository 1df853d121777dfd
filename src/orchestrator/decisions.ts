import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { recordPullRequest } from '../attempt/record-pull-request.ts'
import { movedHeadOf, seenConflictOf } from '../attempt/seen-conflict-of.ts'
import { findVerifiable } from '../attempt/verify-only/what-to-verify.ts'
import type { Clock } from '../clock.ts'
import type { Actor } from '../contract/actor.ts'
import { whatIsVerified } from '../contract/evidence/step-summary.ts'
import type { Retried } from '../contract/why/retry.ts'
import type { WorkOrderView } from '../contract/work-orders.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import { adoptPullRequest } from '../db/follow-ups.ts'
import { inOneTransaction } from '../db/one-transaction.ts'
import { projectOf } from '../db/projects.ts'
import { giveUpPullRequests, keepPullRequests, takeUpPullRequest } from '../db/pull-requests/given-up.ts'
import { noteConflict, type PullRequestBrief, pullRequestsInBrief } from '../db/pull-requests/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { atItsPull, findWorkOrder, moveWorkOrder, wrongStatus } from '../db/work-orders/work-orders.ts'
import { Fault, toFault } from '../faults/fault.ts'
import type { Forges } from '../ports/pull-request.ts'
import type { Workspaces } from '../ports/workspace.ts'
import { standsOn } from '../work-order/standing.ts'
import type { Orchestrator } from './orchestrator.ts'
import { foreseeRetry, retryOrder, verifiesAgain } from './retry.ts'
import { recordMoved } from './tracker.ts'

type Deps = {
  db: Kysely<Database>
  pool: Pool
  forges: Forges
  workspaces: Pick<Workspaces, 'keptCommit'>
  clock: Clock
  /** Ends suspended attempts that will not be resumed. */
  endAbandoned: () => Promise<void>
}

/** With the database as who acts writes to it. */
type Acting = Deps & { by: Actor | undefined }

/**
 * What a human decides about an order, with the faults of `Orchestrator`.
 *
 * @param stopAttempt ends the attempt of a cancelled order, if it runs in this process
 */
export function createDecisions(
  deps: Deps,
  stopAttempt: (workOrderId: string) => void,
): Pick<Orchestrator, 'cancel' | 'retry' | 'foreseeRetry' | 'verify' | 'adopt' | 'merge' | 'close'> {
  const of = (by: Actor | undefined): Acting => ({ ...deps, db: actingAs(deps.db, by), by })
  return {
    cancel: (id, by) => cancelOrder(of(by), id, stopAttempt),
    async retry(id, by, mode = 'again') {
      await deps.endAbandoned()
      return retryOrder(of(by), id, mode)
    },
    async foreseeRetry(id) {
      const { said, verifies, takesAnswers } = await foreseeRetry(deps, await findWorkOrder(deps.db, id), 'again')
      return { sentence: said, cost: verifies !== null ? 'none' : takesAnswers ? 'unknown' : 'usual' }
    },
    verify: (id, by, resolves = false) => verifyOrder(of(by), id, resolves),
    adopt: (id, by) => adoptOrder(of(by), id),
    merge: (id, by) => mergeOrder(of(by), id),
    close: async (id, by) => closeOrder(of(by), await findWorkOrder(deps.db, id), false),
  }
}

async function cancelOrder(deps: Acting, idOrPrefix: string, stopAttempt: (id: string) => void): Promise<void> {
  const before = await findWorkOrder(deps.db, idOrPrefix)
  const from = ['pending', 'in_progress', 'blocked', 'failed'] as const
  const move = { from, exceptPhase: 'in_review', to: 'cancelled', reason: null } as const
  if (await moveWorkOrder(deps.db, before.id, move)) {
    stopAttempt(before.id)
    await deps.endAbandoned()
    // What the attempt itself has opened is taken back by its record.
    const isLeft = (attempt: number) => before.status === 'pending' || attempt < before.attempts
    for (const pull of await pullRequestsInBrief(deps.db, before.id))
      if (pull.state === 'open' && isLeft(pull.attempt)) await closeOne(deps, before.id, pull, true)
    return
  }
  const order = await findWorkOrder(deps.db, before.id)
  if (order.status === 'cancelled' && (await closeLeft(deps, order.id))) return
  if (order.phase !== 'in_review') throw wrongStatus(order, 'cancelled')
  await closeOrder(deps, order, true)
}

/** Closes what a cancelled order has open, because that failed when it was cancelled. @returns false: it has none */
async function closeLeft(deps: Acting, workOrderId: string): Promise<boolean> {
  const left = (await pullRequestsInBrief(deps.db, workOrderId)).filter(({ state }) => state === 'open')
  for (const pull of left) await closeOne(deps, workOrderId, pull, true)
  return left.length > 0
}

/**
 * Makes an order pending for an attempt that makes no change: it verifies the commit that is there, of the pull request that
 * is open or of the last attempt, and publishes it.
 *
 * @param resolves where git cannot merge, the model that made the change is asked to
 */
async function verifyOrder(
  { db, pool, workspaces, endAbandoned }: Deps,
  idOrPrefix: string,
  resolves: boolean,
): Promise<Retried> {
  await endAbandoned()
  const order = await findWorkOrder(db, idOrPrefix)
  const isInReview = order.phase === 'in_review'
  if (!isInReview && !['failed', 'blocked', 'cancelled'].includes(order.status)) throw wrongStatus(order, 'verified')
  const found = await findVerifiable(db, { keptCommit: workspaces.keptCommit, pool }, order.id)
  if (resolves && found.branch === null) throw nothingToResolve(order)
  const to = { to: 'pending', reason: null, verifies: found.attempt, resolves, retry: 'verify_only' } as const
  const from = isInReview
    ? ({ from: ['in_progress'], inPhase: 'in_review' } as const)
    : ({ from: ['failed', 'blocked', 'cancelled'] } as const)
  const conflict = resolves ? ', and a conflict resolved by the model that made it' : ''
  const because = `${verifiesAgain(found)}${conflict}`
  await inOneTransaction(db, async (transaction) => {
    if (!(await moveWorkOrder(transaction, order.id, { ...from, ...to, because }))) throw wrongStatus(order, 'verified')
    await takeUpPullRequest(transaction, order.id)
  })
  const what = whatIsVerified(found.attempt, found.branch)
  const then = found.branch === null ? '; if they pass, it is published' : ', and what passes them can be merged'
  const checks = `the checks are run on ${what}${then}.`
  const sentence = resolves
    ? `Where git cannot merge the base into it, the model that made it is asked to, within the budget of the order; then ${checks}`
    : `No model is called: ${checks}`
  return { mode: 'verify_only', sentence, told_of: null, replays: false }
}

/** The verification and the end of the hands-off are one: a pull request that was given back is looked at by the checks first. */
async function adoptOrder(deps: Acting, idOrPrefix: string): Promise<Retried> {
  const order = await findWorkOrder(deps.db, idOrPrefix)
  const pull = inReviewWith(order, await pullRequestsInBrief(deps.db, order.id), 'adopted')
  await deps.endAbandoned()
  return await deps.db.transaction().execute(async (transaction) => {
    if (!(await adoptPullRequest(transaction, { workOrderId: order.id, attempt: pull.attempt })))
      throw nothingToAdopt(order)
    const verified = await verifyOrder(
      { ...deps, db: transaction, endAbandoned: async () => undefined },
      order.id,
      false,
    )
    return { ...verified, sentence: `Moose follows it again. ${verified.sentence}` }
  })
}

function nothingToAdopt({ id }: WorkOrderView): Fault {
  const message =
    `Work order ${id}: there is nothing to adopt, because Moose follows its pull request. After another push to its branch, ` +
    `or a reopening of what was given up in Moose, nothing is done about it once that is seen. See how it stands with: moose why ${id.slice(0, 8)}`
  return new Fault('work_order_conflict', message, { id })
}

function nothingToResolve({ id }: WorkOrderView): Fault {
  const message =
    `Work order ${id} has no open pull request that could conflict with its base; have the commit of its last attempt verified ` +
    `without a model with: moose verify ${id.slice(0, 8)}`
  return new Fault('work_order_conflict', message, { id })
}

/** Merges the pull request an order is in review with, and records it. */
async function mergeOrder({ db, forges, clock, by }: Acting, idOrPrefix: string): Promise<void> {
  const order = await findWorkOrder(db, idOrPrefix)
  const pull = inReviewWith(order, await pullRequestsInBrief(db, order.id), 'merged')
  const project = await projectOf(db, pull.project_id)
  const pullRequest = await forges[project.forge].merge(project, pull.number, by).catch(async (error: unknown) => {
    await keepWhatMergeSaw({ db, clock }, order.id, toFault(error))
    throw error
  })
  const found = { workOrderId: order.id, attempt: pull.attempt, pullRequest }
  const through = by === undefined ? {} : { by: { through: 'moose', actor: by } as const }
  await recordPullRequest(db, { ...found, ...through }, clock.now())
}

/** So that the order says what it needs without waiting for the next look at its pull request. */
async function keepWhatMergeSaw({ db, clock }: Pick<Acting, 'db' | 'clock'>, workOrderId: string, fault: Fault) {
  const record = fault.toRecord()
  const seen = seenConflictOf(record, clock.now())
  if (seen !== null) await noteConflict(db, { workOrderId, number: seen.number }, seen.conflict)
  const moved = movedHeadOf(record)
  if (moved !== null) await recordMoved(db, { workOrderId, ...moved })
}

/**
 * Closes the pull request an order is in review with, and others of it that were reopened; none may hold the order.
 *
 * @param evenLost as of `Forge.close`
 */
async function closeOrder(deps: Acting, order: WorkOrderView, evenLost: boolean): Promise<void> {
  const pulls = await pullRequestsInBrief(deps.db, order.id)
  const last = inReviewWith(order, pulls, 'closed')
  const others = pulls.filter((pull) => pull !== last && pull.state === 'open')
  // Before: after a crash a close by Moose could not be told from one on the forge.
  const givenUp = await giveUpPullRequests(deps.db, order.id)
  try {
    for (const pull of [...others, last]) await closeOne(deps, order.id, pull, evenLost)
  } catch (error) {
    await keepPullRequests(deps.db, order.id, givenUp)
    throw error
  }
}

function inReviewWith(order: WorkOrderView, pulls: readonly PullRequestBrief[], wish: string): PullRequestBrief {
  const pull = standsOn(order, pulls)
  const isUnderWay = order.status === 'pending' || order.status === 'in_progress'
  if (order.phase !== 'in_review' && isUnderWay && pull?.state === 'open') throw atItsPull(order, pull, wish)
  if (order.status === 'cancelled' && pull?.state === 'open') throw leftOpen(order, pull, wish)
  if (order.phase !== 'in_review' || pull === null) throw wrongStatus(order, wish)
  return pull
}

function leftOpen({ id, status }: WorkOrderView, { number }: PullRequestBrief, wish: string): Fault {
  const message =
    `Work order ${id} is cancelled and cannot be ${wish}; its pull request #${number} is still open. ` +
    `Close that with: moose cancel ${id.slice(0, 8)}`
  return new Fault('work_order_conflict', message, { id, status })
}

async function closeOne(
  { db, forges, clock, by }: Acting,
  workOrderId: string,
  pull: PullRequestBrief,
  evenLost: boolean,
): Promise<void> {
  const project = await projectOf(db, pull.project_id)
  const pullRequest = await forges[project.forge].close(project, pull.number, { by, evenLost })
  await recordPullRequest(db, { workOrderId, attempt: pull.attempt, pullRequest }, clock.now())
}

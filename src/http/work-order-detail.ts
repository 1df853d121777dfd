import type { Kysely } from 'kysely'
import { readOrderBudget } from '../budget/spent-by.ts'
import { isoTime } from '../clock.ts'
import { evidenceOf, shownIn } from '../contract/evidence/evidence.ts'
import { atPullRequest } from '../contract/evidence/follow-up.ts'
import { toldReaction } from '../contract/evidence/last-reaction.ts'
import { PullRequestView } from '../contract/evidence/pull-request-view.ts'
import { approvalIn } from '../contract/evidence/seen-approval.ts'
import type { SeenConflict } from '../contract/evidence/seen-conflict.ts'
import { stepSummary } from '../contract/evidence/step-summary.ts'
import type { StepView, WorkOrderDetail } from '../contract/work-orders.ts'
import { attemptHistory } from '../db/attempts/attempt-history.ts'
import { readEndedAsSeen } from '../db/attempts/ended-verifications.ts'
import { approvalOf } from '../db/audit/audit-entries.ts'
import { ordersEscalated } from '../db/escalations/order-escalations.ts'
import { countedFollowUps, followUpIn, reactionUnderWay } from '../db/follow-ups.ts'
import { projectOf } from '../db/projects.ts'
import {
  findPullRequestOfAttempt,
  type PullRequestRow,
  pullRequestsInBrief,
} from '../db/pull-requests/pull-requests.ts'
import { afterMergesOf } from '../db/reverts.ts'
import type { Database } from '../db/schema.ts'
import { dependenciesOf } from '../db/work-orders/dependencies.ts'
import { lastReactions } from '../db/work-orders/last-reactions.ts'
import { outsideInBody } from '../db/work-orders/order-whereabouts.ts'
import { findWorkOrder } from '../db/work-orders/work-orders.ts'
import { countsOf } from '../follow-up/decide.ts'
import { resumedByRetry } from '../orchestrator/resumed-by-retry.ts'
import { standsOn } from '../work-order/standing.ts'

/**
 * A work order with its budget, its attempts and the pull request it stands on; without one, its latest.
 *
 * @param idOrPrefix the id, or a unique prefix of at least four characters
 * @throws {Fault} `work_order_not_found`
 */
export async function workOrderDetail(db: Kysely<Database>, idOrPrefix: string): Promise<WorkOrderDetail> {
  const order = await findWorkOrder(db, idOrPrefix)
  const pulls = await pullRequestsInBrief(db, order.id)
  const standing = standsOn(order, pulls)
  const shown = standing === null ? pulls.at(-1) : standing
  const key = shown === undefined ? null : { workOrderId: order.id, attempt: shown.attempt }
  const pullRequest = key === null ? null : await findPullRequestOfAttempt(db, key)
  const attempts = await attemptHistory(db, order.id)
  const at = atPullRequest({ ...order, attempt: order.attempts }, pullRequest, await reactionUnderWay(db, order.id))
  return {
    ...order,
    ...(at === null ? {} : { at_pull_request: at }),
    budget: await readOrderBudget(db, order.id),
    dependencies: await dependenciesOf(db, order.depends_on),
    attempt_history: attempts.map((attempt) => {
      return { ...attempt, shown: shownIn(attempt.steps), steps: attempt.steps.map(withSummary) }
    }),
    pull_request: pullRequest === null ? null : await pullRequestView(db, pullRequest, order),
    evidence: evidenceOf({ ...order, attempt_history: attempts, pull_request: verifiedBy(pullRequest) }),
    ...(order.status === 'blocked' || order.status === 'failed' ? { escalated: await isEscalated(db, order.id) } : {}),
    ...(await resumedByRetry(db, [order]))(order),
    approval: order.approved ? await approvalOf(db, order.id) : null,
  }
}

async function isEscalated(db: Kysely<Database>, id: string): Promise<boolean> {
  return (await ordersEscalated(db, [id])).has(id)
}

async function pullRequestView(
  db: Kysely<Database>,
  row: PullRequestRow,
  { files_in_scope: scope, status }: Pick<WorkOrderDetail, 'files_in_scope' | 'status'>,
): Promise<PullRequestView> {
  const counts = countsOf(await countedFollowUps(db, row.work_order_id))
  const reactions = counts.length === 0 ? {} : { reactions: counts }
  const last =
    status === 'in_progress' ? (await lastReactions(db, [row.work_order_id])).get(row.work_order_id) : undefined
  const tried = last === undefined ? {} : { last_reaction: toldReaction(last) }
  // Moose itself changes nothing outside of the scope.
  const outside = row.verified_by === null ? [] : outsideInBody(row.body, scope)
  const { seen_open_threads, seen_draft, seen_base } = row
  const ofOpen = async () => {
    const { defaultBranch: project_base } = await projectOf(db, row.project_id)
    const seen_approval = approvalIn(row.seen_approval)
    return { seen_open_threads, seen_draft, seen_base, seen_approval, project_base, outside_scope: outside }
  }
  const open = row.state === 'open' ? await ofOpen() : {}
  const since = (await afterMergesOf(db, [row.work_order_id]))(row)
  return { ...toPullRequestView(row), ...since, ...(await readEndedAsSeen(db, row)), ...reactions, ...tried, ...open }
}

/** With the attempt whose checks its commit has passed, as that of the pull request. */
function verifiedBy(row: PullRequestRow | null): { attempt: number; state: string } | null {
  if (row === null) return null
  return { attempt: row.verified_by === null ? row.attempt : row.verified_by, state: row.state }
}

function withSummary(step: StepView): StepView {
  return { ...step, summary: stepSummary(step) }
}

const Seen = PullRequestView.pick({ reviews: true, check_runs: true, check_run_count: true }).required()
const UNSEEN = { reviews: null, check_runs: null, check_run_count: null }

/** What is not as Moose writes it of what was seen is not shown. */
function toPullRequestView(stored: PullRequestRow): PullRequestView {
  const { created_at, ended_at, seen_at, seen, ...row } = stored
  const parts = Seen.safeParse(seen)
  return {
    number: row.number,
    attempt: row.attempt,
    state: row.state,
    title: row.title,
    body: row.body,
    base: row.base,
    branch: row.branch,
    base_sha: row.base_sha,
    head_sha: row.head_sha,
    merge_sha: row.merge_sha,
    verified_by: row.verified_by,
    seen_head_sha: row.seen_head_sha,
    checks: row.checks,
    review: row.review,
    diff: row.diff,
    conflict: conflictOf(stored),
    follow_up: followUpIn(stored),
    url: row.url,
    opened_at: isoTime(created_at),
    ended_at: ended_at === null ? null : isoTime(ended_at),
    seen_at: seen_at === null ? null : isoTime(seen_at),
    ...(parts.success ? parts.data : UNSEEN),
  }
}

/** It holds while its branch stands where it was seen. */
function conflictOf({ conflict, state, head_sha: head, seen_head_sha: seen }: PullRequestRow): SeenConflict | null {
  const isMoved = seen !== null && seen !== head
  return conflict === null || state !== 'open' || conflict.head_sha !== head || isMoved ? null : conflict
}
